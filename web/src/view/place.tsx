// SPDX-License-Identifier: Apache-2.0
// Where something is in the sources: the end of the path is shown, all of it when asked.
import type { ComponentChildren } from 'preact';
import { shortPlace } from '../format';

export function Place(props: { at: string; children?: ComponentChildren }) {
    return <span class="muted place" title={props.at}>{shortPlace(props.at)}{props.children}</span>;
}
