// SPDX-License-Identifier: Apache-2.0
// The synthetic models by name, and the small odd ones: empty, hostile names, one deep stack, several processes.
import { exponentialEdges, sliceOf, TreeBuilder, NEVER } from './model.mjs';
import { Names } from './assemble.mjs';
import { completeModel, randomModel, seeded } from './random.mjs';
import { serverModel } from './server.mjs';
import { bulkModel } from './bulk.mjs';

function oneThreadWorld(cmd, edges) {
    const T = edges.length - 1;
    return {
        cmd, edges, procs: [{ pid: 1, parent: 0, name: cmd[0], start_ns: 0, end_ns: 0, end_slice: T, end_kind: 0 }],
        threads: [{ proc: 0, tid: 1, name: cmd[0], start_ns: 0, end_ns: 0 }], groups: [], tasks: [], ctxs: [{ proc: 0, thread: 0, task: 0 }],
    };
}

export function emptyModel() {
    return completeModel(oneThreadWorld(['true'], [0, 1200000]), [], new Names(), new TreeBuilder().finish());
}

export const HOSTILE = [
    '</script><script>document.title="owned"</script>', '<img src=x onerror="document.title=\'owned\'">', '"quotes" \'and\' `ticks`',
    'right\u202eto\u2066left', 'line\nfeed\\n\ttab\u0000nul\u001b[31m', 'x'.repeat(10240), `Vec<${'HashMap<String, '.repeat(400)}u8>`,
    '\\xff\\xfe not utf-8', '日本語::関数', '𝒻𝓊𝓃𝒸 👩‍👩‍👧', '', ' ', '&lt;b&gt;', '-->', ']]>', '{{constructor}}', '__proto__', 'a\u2028b\u2029c', '@@ms:sections@@',
];

export function hostileModel() {
    const edges = exponentialEdges(3e9, 60);
    const random = seeded(3);
    const names = new Names();
    const builder = new TreeBuilder();
    const frames = HOSTILE.map((text, i) => names.frame(names.func(text, text, text, names.module(text, 1 + (i % 4))), i));
    const stacks = HOSTILE.map((_, i) => builder.stack([frames[(i + 1) % frames.length], frames[i], frames[(i * 7) % frames.length]]));
    const world = oneThreadWorld(HOSTILE.slice(0, 7), edges);
    world.procs[0].name = HOSTILE[0];
    world.threads = HOSTILE.map((name, i) => ({ proc: 0, tid: i, name, start_ns: 0, end_ns: 0 }));
    world.groups = HOSTILE.map((name) => ({ name, kind: name, node: 1 }));
    world.tasks = HOSTILE.map((name, i) => ({ id: i, group: i, name, start_ns: 0, end_ns: 1e9, polls: 1 }));
    world.ctxs = HOSTILE.map((_, i) => ({ proc: 0, thread: i, task: i + 1 }));
    const blocks = stacks.flatMap((stack, i) => [1, 2, 3].map((k) => ({ stack, ctx: i, size: random.int(1, 1e6), n: 1, born_ns: random.int(0, 1e9), freed_ns: k === 3 ? NEVER : random.int(1e9, 2e9) })));
    const text = HOSTILE.join(' | ');
    return completeModel(world, blocks, names, builder.finish(), {
        summary: text, markers: HOSTILE.slice(0, 6).map((label, i) => ({ t_ns: i * 1e8, kind: 'mark', label })),
        manifest: {
            findings: HOSTILE.map((title, i) => ({ id: title, severity: ['high', 'medium', 'low', 'good'][i % 4], title, text: title, link: { view: 'flame', search: title, site: 9999 } })),
            notices: HOSTILE.map((sentence) => ({ severity: 'warning', kind: sentence, text: sentence })),
            environment: HOSTILE.map((label) => ({ label, value: label })), suppressions: [{ pattern: HOSTILE[0], reason: HOSTILE[1], n: 1, bytes: 1 }],
        },
    });
}

/** A recursion 10 000 frames deep, plus numbers at the edge of what doubles hold. */
export function deepModel() {
    const names = new Names();
    const builder = new TreeBuilder();
    const module = names.module('parser', 1);
    const cycle = ['expr', 'term', 'factor'].map((f, i) => names.frame(names.func(`parser::${f}`, f, 'parser.c', module), 10 + i));
    const deep = builder.stack(Array.from({ length: 10000 }, (_, i) => cycle[i % 3]));
    const huge = builder.stack([names.frame(names.func('huge', 'huge', 'huge.c', module), 1)]);
    const world = oneThreadWorld(['deep'], exponentialEdges(1e9, 50));
    const blocks = [
        { stack: deep, ctx: 0, size: 4096, n: 10, born_ns: 1e8, freed_ns: NEVER },
        { stack: huge, ctx: 0, size: 2 ** 52, n: 1, born_ns: 5e8, freed_ns: 6e8 },
        { stack: deep, ctx: 0, size: 0, n: 3, born_ns: 2e8, freed_ns: 3e8 },
    ];
    return completeModel(world, blocks, names, builder.finish());
}

/** A make-like tree: short children, one killed, one replaced by exec, one not recorded. */
export function processesModel() {
    const random = seeded(11);
    const edges = exponentialEdges(8e9, 200);
    const T = edges.length - 1;
    const procs = [{ pid: 900, parent: 0, name: 'make -j2', start_ns: 0, end_ns: 0, end_slice: T, end_kind: 0 }];
    const threads = [{ proc: 0, tid: 900, name: 'make', start_ns: 0, end_ns: 0 }];
    for (let i = 1; i <= 9; i++) {
        const start_ns = i * 6e8;
        const end_ns = Math.round(start_ns + random.log(3e8, 2e9));
        const end_kind = i === 4 ? 2 : i % 3 === 0 ? 3 : 1;
        procs.push({ pid: 900 + i, parent: 1, name: `cc1 part${i}.c`, start_ns, end_ns, end_slice: sliceOf(edges, end_ns), end_kind, status: i === 4 ? 137 : 0 });
        threads.push({ proc: i, tid: 900 + i, name: 'cc1', start_ns, end_ns });
    }
    procs.push({ pid: 990, parent: 1, name: 'sudo', why: 'its privileges differ: the recorder has no access', start_ns: 1e9, end_ns: 2e9, end_slice: sliceOf(edges, 2e9), end_kind: 1 });
    const ctxs = threads.map((thread, t) => ({ proc: thread.proc, thread: t, task: 0 }));
    const names = new Names();
    const builder = new TreeBuilder();
    const module = names.module('cc1', 1);
    const frame = (name, line) => names.frame(names.func(name, name, `${name}.c`, module), line);
    const stacks = ['parse', 'lower', 'optimise', 'emit'].map((pass, i) => builder.stack([frame('main', 1), frame('compile', 20 + i), frame(pass, 5), frame('xmalloc', 9)]));
    const blocks = [];
    for (let t = 0; t < ctxs.length; t++) {
        const end = procs[t].end_ns || 8e9;
        for (let k = 0; k < 300; k++) {
            const born_ns = Math.round(procs[t].start_ns + random.next() * (end - procs[t].start_ns - 2));
            const freed_ns = random.next() < 0.4 ? NEVER : Math.min(end - 1, Math.round(born_ns + random.log(1e4, 1e9)));
            blocks.push({ stack: random.of(stacks), ctx: t, size: random.int(32, 60000), n: 1, born_ns, freed_ns });
        }
    }
    const world = { cmd: ['make', '-j2'], edges, procs, threads, groups: [], tasks: [], ctxs };
    return completeModel(world, blocks, names, builder.finish(), {
        manifest: { notices: [{ severity: 'warning', kind: 'unrecorded', text: 'sudo (pid 990): not recorded, no access to the session.' }] },
    });
}

export const PRESETS = {
    server: serverModel, empty: emptyModel, hostile: hostileModel, deep: deepModel, processes: processesModel,
    random: () => randomModel(1),
    wide: () => bulkModel(20000, 200000),
    large: () => bulkModel(100000, 1000000),
};
