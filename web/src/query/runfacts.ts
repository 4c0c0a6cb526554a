// SPDX-License-Identifier: Apache-2.0
// Words for what sampling and recording measured of themselves; names tell the unit.
import { formatBytes, formatCount, formatDuration } from '../format';

const words = (key: string): string => key.replace(/_/g, ' ');

/** A fact of `performance`: its name without the unit, and its value with it. */
export function performanceLine(key: string, value: number): [string, string] {
    if (/_per_s$/.test(key)) return [words(key), formatCount(value)];
    if (/_s$/.test(key)) return [words(key.slice(0, -2)), formatDuration(value * 1e9)];
    if (/_bytes$/.test(key)) return [words(key.slice(0, -6)), formatBytes(value)];
    if (/_ns(_|$)/.test(key)) return [words(key.replace('_ns', '')), formatDuration(value)];
    return [words(key), formatCount(value)];
}

/** A figure of `sampling.interval95`: its name and the bounds it lies between. */
export function intervalLine(key: string, [low, high]: [number, number]): [string, string] {
    const text = /_bytes$/.test(key) ? formatBytes : formatCount;
    return [words(key), low === high ? text(low) : `${text(low)} to ${text(high)}`];
}
