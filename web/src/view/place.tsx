// SPDX-License-Identifier: Apache-2.0
// Where something is in the sources: the end of the path is shown, all of it when asked.
import type { ComponentChildren } from 'preact';
import { shortPlace } from '../format';

export function Place(props: { at: string; children?: ComponentChildren }) {
    const short = shortPlace(props.at), cut = short.lastIndexOf('/') + 1;
    return (
        <span class="muted place" title={props.at}>
            <span>{short.slice(0, cut)}</span>
            <span>{short.slice(cut)}{props.children}</span>
        </span>
    );
}
