// SPDX-License-Identifier: Apache-2.0
// 64-bit FNV-1a hashes of call paths, so that a link finds its function again in another export of the same program.
//
// A hash is kept as two 32-bit halves. The prime is 2^40 + 0x1b3: the product's low half is lo·0x1b3, and the high half gets hi·0x1b3,
// its carry and lo shifted by 8; every partial product stays below 2^53.

const PRIME_LOW = 0x1b3;
const START_HIGH = 0xcbf29ce4;
const START_LOW = 0x84222325;
const TWO32 = 4294967296;

/** Paths of a tree: functions by their names' hashes, nodes by hashing the functions from the root. */
export interface PathTree {
    count: number;
    parent: Int32Array;
    func: Int32Array;
}

export class Hashes {
    readonly high: Uint32Array;
    readonly low: Uint32Array;

    constructor(count: number) {
        this.high = new Uint32Array(count);
        this.low = new Uint32Array(count);
    }

    feed(at: number, byte: number): void {
        const low = (this.low[at] ^ byte) >>> 0;
        const product = low * PRIME_LOW;
        this.high[at] = this.high[at] * PRIME_LOW + Math.floor(product / TWO32) + ((low << 8) >>> 0);
        this.low[at] = product;
    }

    start(at: number): void {
        this.high[at] = START_HIGH;
        this.low[at] = START_LOW;
    }

    text(at: number): string {
        return this.high[at].toString(16).padStart(8, '0') + this.low[at].toString(16).padStart(8, '0');
    }

    find(text: string): number {
        const high = Number.parseInt(text.slice(0, 8), 16);
        const low = Number.parseInt(text.slice(8), 16);
        for (let i = 0; i < this.low.length; i++) if (this.low[i] === low && this.high[i] === high) return i;
        return -1;
    }
}

export function hashFunctions(names: string[]): Hashes {
    const hashes = new Hashes(names.length);
    const encoder = new TextEncoder();
    names.forEach((name, i) => {
        hashes.start(i);
        for (const byte of encoder.encode(name)) hashes.feed(i, byte);
    });
    return hashes;
}

export function hashPaths(tree: PathTree, functions: Hashes): Hashes {
    const hashes = new Hashes(tree.count);
    hashes.start(0);
    for (let node = 1; node < tree.count; node++) {
        hashes.high[node] = hashes.high[tree.parent[node]];
        hashes.low[node] = hashes.low[tree.parent[node]];
        const high = functions.high[tree.func[node]];
        const low = functions.low[tree.func[node]];
        for (let shift = 0; shift < 32; shift += 8) hashes.feed(node, (high >>> shift) & 255);
        for (let shift = 0; shift < 32; shift += 8) hashes.feed(node, (low >>> shift) & 255);
    }
    return hashes;
}
