// SPDX-License-Identifier: Apache-2.0
// The keyboard: one table of keys, used by the handler and by the help dialog. Views add their own keys through `viewKeys`.
import * as actions from './actions';
import { VIEWS } from './fragment';
import { hidesRuntime, page } from './state';
import { signal } from '@preact/signals';

export const helpOpen = signal(false);

export interface Key {
    keys: string;
    does: string;
}

export const HELP: { title: string; keys: Key[] }[] = [
    {
        title: 'Everywhere',
        keys: [
            { keys: '1 – 9', does: 'views' },
            { keys: '/', does: 'search; Enter and n / N go to the next and previous hit' },
            { keys: 'b', does: 'bytes or blocks' },
            { keys: 'm', does: 'next metric' },
            { keys: 'y', does: 'copy a link to what is shown' },
            { keys: 't', does: 'light or dark' },
            { keys: 'Esc', does: 'back out: search, zoom, selection' },
            { keys: '?', does: 'this list' },
        ],
    },
    {
        title: 'Time window',
        keys: [
            { keys: '[ ]', does: 'move by a slice (with Alt: ten)' },
            { keys: '{ }', does: 'narrow, widen' },
            { keys: '0', does: 'whole run' },
            { keys: 'p', does: 'around the peak' },
        ],
    },
    {
        title: 'Flame and tree',
        keys: [
            { keys: '← → ↑ ↓', does: 'move the focus' },
            { keys: 'Enter', does: 'narrow everything to the focused call' },
            { keys: 'Backspace', does: 'one call out' },
            { keys: 'i', does: 'inverted or not' },
            { keys: 's', does: 'sandwich: callers and callees of the focused function' },
            { keys: 'h', does: 'hide frames of runtime and libraries' },
            { keys: 'e', does: 'tree: open a whole chain' },
        ],
    },
];

type Handler = (event: KeyboardEvent) => boolean;

/** Set by the view in front: returns true when it used the key. */
export const viewKeys: { handler: Handler | null } = { handler: null };

const simple: Record<string, (event: KeyboardEvent) => void> = {
    b: () => actions.toggleUnit(),
    m: () => actions.nextMetric(),
    y: () => actions.copyLink(),
    t: () => actions.toggleTheme(),
    '[': (event) => actions.shiftWindow(event.altKey ? -10 : -1),
    ']': (event) => actions.shiftWindow(event.altKey ? 10 : 1),
    '{': () => actions.resizeWindow(-1),
    '}': () => actions.resizeWindow(1),
    '0': () => actions.wholeRun(),
    p: () => actions.windowAtPeak(),
    h: () => actions.setTreeOptions({ hideRuntime: !hidesRuntime.value }),
    i: () => actions.update({ view: 'flame', graph: page.value.graph === 'inverted' ? 'icicle' : 'inverted', zoom: '' }, 'push'),
    '?': () => (helpOpen.value = true),
    '/': () => document.getElementById('search')?.focus(),
    Escape: () => actions.focusUp(),
    Backspace: () => actions.focusUp(),
};

function isTyping(target: EventTarget | null): boolean {
    if (!(target instanceof HTMLElement)) return false;
    return target.matches('input:not([type=checkbox]):not([type=radio]), textarea, select');
}

export function onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.defaultPrevented || helpOpen.value || isTyping(event.target)) return;
    if (viewKeys.handler?.(event)) {
        event.preventDefault();
        return;
    }
    const digit = Number(event.key);
    if (event.key !== ' ' && digit >= 1 && digit <= VIEWS.length) {
        actions.setView(VIEWS[digit - 1]);
        return;
    }
    const action = Object.hasOwn(simple, event.key) ? simple[event.key] : undefined;
    if (!action) return;
    if (event.key === 'Backspace' || event.key === '/') event.preventDefault();
    action(event);
}
