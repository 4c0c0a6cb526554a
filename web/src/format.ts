// SPDX-License-Identifier: Apache-2.0
// Numbers and names as text: IEC sizes, counts with thin spaces, times, shares, and names with unsafe characters made visible.
import type { Unit } from './data/manifest';

const THIN = '\u2009';
const NARROW = '\u202f';
const SIZE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

function digits(value: number): string {
    const magnitude = Math.abs(value);
    if (magnitude >= 99.95) return value.toFixed(0);
    return value.toFixed(1);
}

export function formatBytes(bytes: number): string {
    let value = bytes;
    let unit = 0;
    while (Math.abs(value) >= 1023.95 && unit < SIZE_UNITS.length - 1) {
        value /= 1024;
        unit++;
    }
    return `${unit === 0 ? Math.round(value) : digits(value)}${NARROW}${SIZE_UNITS[unit]}`;
}

/** All digits, in groups of three. */
export function formatExact(value: number): string {
    const text = Math.abs(Math.round(value)).toString();
    const groups = text.replace(/\B(?=(\d{3})+(?!\d))/g, THIN);
    return value < 0 ? `−${groups}` : groups;
}

export function formatCount(value: number): string {
    if (Math.abs(value) < 100000) return formatExact(value);
    const units = ['k', 'M', 'G', 'T'];
    let scaled = value;
    let unit = -1;
    while (Math.abs(scaled) >= 999.5 && unit < units.length - 1) {
        scaled /= 1000;
        unit++;
    }
    return `${digits(scaled)}${NARROW}${units[unit]}`;
}

export function formatValue(value: number, unit: Unit): string {
    return unit === 'bytes' ? formatBytes(value) : formatCount(value);
}

export function formatValueExact(value: number, unit: Unit): string {
    return unit === 'bytes' ? `${formatExact(value)} bytes` : `${formatExact(value)} block${value === 1 ? '' : 's'}`;
}

export function formatPercent(part: number, whole: number): string {
    if (whole <= 0) return '–';
    const percent = (part / whole) * 100;
    if (percent === 0) return `0${NARROW}%`;
    if (percent < 0.1) return `<0.1${NARROW}%`;
    return `${percent.toFixed(1)}${NARROW}%`;
}

/** A part of a whole that is exact: an estimate may be above it. */
export function formatShare(part: number, whole: number): string {
    return formatPercent(Math.min(part, whole), whole);
}

export function formatRate(bytesPerSecond: number): string {
    return `${bytesPerSecond > 0 ? '+' : ''}${formatBytes(bytesPerSecond)}/s`;
}

/** A time on the run's axis, precise enough for a step of `step_ns`. */
export function formatTime(at_ns: number, step_ns = 1e7): string {
    const seconds = at_ns / 1e9;
    if (seconds >= 3600) {
        const hours = Math.floor(seconds / 3600);
        const minutes = Math.floor((seconds % 3600) / 60);
        return `${hours}${NARROW}h ${String(minutes).padStart(2, '0')}${NARROW}min`;
    }
    if (seconds >= 600) return `${Math.floor(seconds / 60)}${NARROW}min ${String(Math.floor(seconds % 60)).padStart(2, '0')}${NARROW}s`;
    const places = step_ns < 1e5 ? 4 : step_ns < 1e6 ? 3 : step_ns < 1e9 ? 2 : 1;
    return `${seconds.toFixed(places)}${NARROW}s`;
}

/** A length of time in its natural unit. */
export function formatDuration(ns: number): string {
    if (ns < 1000) return `${Math.round(ns)}${NARROW}ns`;
    if (ns < 1e6) return `${digits(ns / 1e3)}${NARROW}µs`;
    if (ns < 1e9) return `${digits(ns / 1e6)}${NARROW}ms`;
    if (ns < 600e9) return `${digits(ns / 1e9)}${NARROW}s`;
    return formatTime(ns);
}

/** Half width of the 95 % interval as a share, for a figure that rests on n samples. */
export function formatUncertainty(samples: number): string {
    if (samples <= 0) return '±?';
    return `±${((196 / Math.sqrt(samples)) | 0) || '<1'}${NARROW}%`;
}

const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** Text from the recorded program with control and direction characters written out. */
export function visible(text: string): string {
    if (text.search(UNSAFE) < 0) return text;
    return text.replace(UNSAFE, (c) => {
        if (c === '\n') return '\\n';
        if (c === '\t') return '\\t';
        return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
    });
}

/** Shortens in the middle, keeping both ends. */
export function shortened(text: string, limit: number): string {
    if (text.length <= limit) return text;
    const tail = Math.floor((limit - 1) * 0.6);
    return `${text.slice(0, limit - 1 - tail)}…${text.slice(text.length - tail)}`;
}

const PLACE_LIMIT = 40;

/** The end of a path: file:line and as many folders above it as are easily read. */
export function shortPlace(place: string): string {
    if (place.length <= PLACE_LIMIT) return place;
    const cut = place.indexOf('/', place.length - PLACE_LIMIT);
    return cut < 0 ? `…${place.slice(place.lastIndexOf('/'))}` : `…${place.slice(cut)}`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
    return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** Quotes a field for CSV; a leading formula sign is disarmed. */
export function csvField(value: string | number): string {
    if (typeof value === 'number') return String(value);
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return `"${safe.replace(/"/g, '""')}"`;
}
