// SPDX-License-Identifier: Apache-2.0
// Writes a report file: column codecs, sections and the template's marks, as CONTRACT.md says.
import { gzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';

class ByteSink {
    constructor() {
        this.bytes = new Uint8Array(1 << 16);
        this.length = 0;
    }
    reserve(count) {
        if (this.length + count <= this.bytes.length) return;
        const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
        grown.set(this.bytes.subarray(0, this.length));
        this.bytes = grown;
    }
    varint(value) {
        this.reserve(10);
        let rest = value;
        while (rest >= 128) {
            this.bytes[this.length++] = (rest % 128) | 128;
            rest = Math.floor(rest / 128);
        }
        this.bytes[this.length++] = rest;
    }
    append(bytes) {
        this.reserve(bytes.length);
        this.bytes.set(bytes, this.length);
        this.length += bytes.length;
    }
    take() {
        return this.bytes.slice(0, this.length);
    }
}

function encodeUnsigned(values) {
    const sink = new ByteSink();
    for (const value of values) sink.varint(value);
    return sink.take();
}

function encodeDelta(values) {
    const sink = new ByteSink();
    let last = 0;
    for (const value of values) {
        const step = value - last;
        sink.varint(step < 0 ? -step * 2 - 1 : step * 2);
        last = value;
    }
    return sink.take();
}

function encodeStrings(values) {
    const escaped = values.map((text) => text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n'));
    return new TextEncoder().encode(escaped.join('\n'));
}

function encodeFloats(values) {
    return new Uint8Array(Float64Array.from(values).buffer);
}

const CODECS = { u: encodeUnsigned, d: encodeDelta, s: encodeStrings, f: encodeFloats };

export function jsonForHtml(value) {
    const unsafe = /[<>&\u2028\u2029]/g;
    const escape = (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0');
    return JSON.stringify(value).replace(unsafe, escape);
}

export function textForHtml(text) {
    const names = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
    return text.replace(/[&<>"']/g, (c) => names[c]);
}

/** Encodes `[[el, [[name, codec, values], …]], …]` into manifest entries and script elements. */
export function encodeSections(layout) {
    const entries = [];
    const elements = [];
    for (const [el, columns] of layout) {
        const sink = new ByteSink();
        const cols = [];
        for (const [name, codec, values] of columns) {
            const bytes = CODECS[codec](values);
            cols.push({ name, codec, n: values.length, bytes: bytes.length });
            sink.append(bytes);
        }
        const base64 = gzipSync(sink.take(), { level: 6 }).toString('base64');
        entries.push({ el, cols });
        elements.push(`<script type="application/octet-stream" id="${el}">${base64}</script>`);
    }
    return { entries, html: elements.join('\n') };
}

/** Puts a model (see model.mjs) into the built template and returns the report file as text. */
export function reportFile(templatePath, model) {
    const { entries, html } = encodeSections(model.layout);
    const parts = {
        title: textForHtml(`memscope · ${model.title}`.slice(0, 200)),
        noscript: `<pre>${textForHtml(model.summary)}</pre>`,
        manifest: jsonForHtml({ ...model.manifest, sections: entries }),
        timeline: jsonForHtml(model.timeline),
        sections: html,
    };
    return readFileSync(templatePath, 'utf8').replace(/@@ms:(\w+)@@/g, (mark, name) => {
        if (!(name in parts)) throw new Error(`template has an unknown mark ${mark}`);
        return parts[name];
    });
}
