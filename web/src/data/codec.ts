// SPDX-License-Identifier: Apache-2.0
// Decodes data sections: base64, gzip, and the four column codecs of CONTRACT.md section 4.
import type { ColumnEntry, SectionEntry } from './manifest';

export type Numbers = Float64Array | Int32Array | Uint16Array | Uint8Array;
export type Column = Numbers | string[];

interface Base64Reader {
    fromBase64?: (text: string) => Uint8Array<ArrayBuffer>;
}

export function bytesFromBase64(text: string): Uint8Array<ArrayBuffer> {
    const native = (Uint8Array as unknown as Base64Reader).fromBase64;
    if (native) return native.call(Uint8Array, text);
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
    return bytes;
}

export async function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Columns of indexes and counts that fit in 32 bits; all others are kept as doubles. */
const NARROW = new Set([
    'mod_name', 'mod_kind', 'mod_path', 'func_name', 'func_short', 'func_file', 'func_mod', 'func_flags', 'frame_func', 'frame_line', 'frame_flags', 'node_parent', 'node_frame',
    'ctx_proc', 'ctx_thread', 'ctx_task', 'proc_end_slice', 'proc_end_kind', 'thread_proc', 'task_group', 'site_node', 'site_cells', 'cell_ctx', 'cell_rows', 'row_a', 'row_life',
]);

function emptyNumbers(name: string, n: number): Numbers {
    return NARROW.has(name) ? new Int32Array(n) : new Float64Array(n);
}

/** Reads one LEB128 run into `out`; returns the position behind it. */
function readUnsigned(bytes: Uint8Array, start: number, out: Numbers): number {
    let at = start;
    const n = out.length;
    for (let i = 0; i < n; i++) {
        let byte = bytes[at++];
        if (byte < 128) {
            out[i] = byte;
            continue;
        }
        let value = byte & 127;
        let scale = 128;
        do {
            byte = bytes[at++];
            value += (byte & 127) * scale;
            scale *= 128;
        } while (byte >= 128);
        out[i] = value;
    }
    return at;
}

function undoDelta(out: Numbers): void {
    let last = 0;
    for (let i = 0; i < out.length; i++) {
        const coded = out[i];
        if (coded < 0x7fffffff) last += (coded >>> 1) ^ -(coded & 1);
        else last += coded % 2 === 1 ? -(coded + 1) / 2 : coded / 2;
        out[i] = last;
    }
}

function readStrings(bytes: Uint8Array, n: number): string[] {
    if (n === 0) return [];
    const parts = new TextDecoder().decode(bytes).split('\n');
    return parts.map((text) => (text.includes('\\') ? text.replace(/\\([n\\])/g, (_, c: string) => (c === 'n' ? '\n' : '\\')) : text));
}

function readFloats(bytes: Uint8Array, n: number): Float64Array {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Float64Array.from({ length: n }, (_, i) => view.getFloat64(i * 8, true));
}

export class ReportError extends Error {}

function readColumn(bytes: Uint8Array, entry: ColumnEntry): Column | null {
    if (entry.codec === 's') {
        const strings = readStrings(bytes, entry.n);
        if (strings.length !== entry.n) throw new ReportError(`column ${entry.name}: ${strings.length} values instead of ${entry.n}`);
        return strings;
    }
    if (entry.codec === 'f') {
        if (bytes.length !== entry.n * 8) throw new ReportError(`column ${entry.name}: length does not fit`);
        return readFloats(bytes, entry.n);
    }
    if (entry.codec !== 'u' && entry.codec !== 'd') return null;
    const wide = entry.codec === 'd' ? new Float64Array(entry.n) : emptyNumbers(entry.name, entry.n);
    const end = readUnsigned(bytes, 0, wide);
    if (end !== entry.bytes) throw new ReportError(`column ${entry.name}: ${end} bytes read of ${entry.bytes}`);
    if (entry.codec === 'u') return wide;
    undoDelta(wide);
    return NARROW.has(entry.name) ? Int32Array.from(wide) : wide;
}

/** Decodes one section; columns with an unknown codec are left out. */
export function sectionColumns(bytes: Uint8Array, section: SectionEntry): Map<string, Column> {
    const columns = new Map<string, Column>();
    let at = 0;
    for (const entry of section.cols) {
        if (at + entry.bytes > bytes.length) throw new ReportError(`section ${section.el} is cut short at column ${entry.name}`);
        const column = readColumn(bytes.subarray(at, at + entry.bytes), entry);
        if (column) columns.set(entry.name, column);
        at += entry.bytes;
    }
    return columns;
}
