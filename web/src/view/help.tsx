// SPDX-License-Identifier: Apache-2.0
// The dialog that lists the keys.
import { useEffect, useRef } from 'preact/hooks';
import { HELP, helpOpen } from '../keys';

export function Help() {
    const dialog = useRef<HTMLDialogElement>(null);
    useEffect(() => {
        if (helpOpen.value) dialog.current?.showModal();
        else dialog.current?.close();
    }, [helpOpen.value]);
    return (
        <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => (helpOpen.value = false)}>
            <div class="help-top">
                <h2 id="help-title">Keys</h2>
                <button type="button" onClick={() => (helpOpen.value = false)}>Close</button>
            </div>
            <div class="help-columns">
                {HELP.map((part) => (
                    <section key={part.title}>
                        <h3>{part.title}</h3>
                        <dl>
                            {part.keys.map((key) => (
                                <div key={key.keys}>
                                    <dt><kbd>{key.keys}</kbd></dt>
                                    <dd>{key.does}</dd>
                                </div>
                            ))}
                        </dl>
                    </section>
                ))}
            </div>
            <p class="muted">
                Drag over the timeline to choose a window, drag its edges or Tab to them and use the arrows. Click a box to select it, double-click to narrow
                everything to it. Figures follow window, filters and search in every view; the address holds it all, so a link restores it.
            </p>
        </dialog>
    );
}
