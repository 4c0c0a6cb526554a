// SPDX-License-Identifier: Apache-2.0
// A made-up order server on an async runtime: start-up cache, request bursts, a slow leak, formatting churn.
import { exponentialEdges, sliceOf, TreeBuilder, NEVER } from './model.mjs';
import { Names } from './assemble.mjs';
import { completeModel, seeded } from './random.mjs';

const SECOND = 1e9;
const KIB = 1024;
const MIB = 1024 * KIB;

const MODULES = {
    orders: 1, tokio: 3, hyper: 1, serde_json: 1, std: 2, alloc: 2, 'libc.so.6': 4, bytes: 1, sqlx: 1, cache: 1, tracing: 1, 'ld-linux-x86-64.so.2': 4,
};

/** One line per function: name|short|file:line|module. */
const FUNCTIONS = `
_start|_start|:0|orders
__libc_start_main|__libc_start_main|libc-start.c:360|libc.so.6
main|main|:0|orders
std::rt::lang_start_internal|lang_start_internal|rt.rs:148|std
orders::main|main|src/main.rs:31|orders
orders::config::load|config::load|src/config.rs:18|orders
cache::load|cache::load|src/cache.rs:31|cache
cache::Store::insert|Store::insert|src/cache.rs:77|cache
hashbrown::raw::RawTable<T,A>::reserve_rehash|RawTable::reserve_rehash|raw.rs:1050|std
clone3|clone3|clone3.S:81|libc.so.6
start_thread|start_thread|pthread_create.c:442|libc.so.6
std::sys::pal::unix::thread::Thread::new::thread_start|thread_start|thread.rs:108|std
tokio::runtime::blocking::pool::Inner::run|Inner::run|pool.rs:513|tokio
tokio::runtime::scheduler::multi_thread::worker::run|worker::run|worker.rs:457|tokio
tokio::runtime::scheduler::multi_thread::worker::Context::run_task|Context::run_task|worker.rs:591|tokio
tokio::runtime::task::raw::poll<orders::serve::{{closure}}>|raw::poll|raw.rs:271|tokio
<hyper::proto::h1::dispatch::Dispatcher<D,Bs,I,T> as core::future::future::Future>::poll|Dispatcher::poll|dispatch.rs:165|hyper
hyper::proto::h1::Conn::reserve|Conn::reserve|conn.rs:97|hyper
bytes::bytes_mut::BytesMut::reserve_inner|BytesMut::reserve_inner|bytes_mut.rs:592|bytes
orders::api::handle|api::handle|src/api.rs:88|orders
orders::api::parse_body|api::parse_body|src/api.rs:412|orders
serde_json::de::from_slice|de::from_slice|src/de.rs:2596|serde_json
<serde_json::de::Deserializer<R> as serde::de::Deserializer>::deserialize_struct|Deserializer::deserialize_struct|src/de.rs:1812|serde_json
alloc::vec::Vec<T,A>::extend_desugared|Vec::extend_desugared|mod.rs:2800|alloc
alloc::raw_vec::RawVec<T,A>::grow_amortized|RawVec::grow_amortized|raw_vec.rs:404|alloc
orders::db::rows|db::rows|src/db.rs:142|orders
sqlx_core::query_as::QueryAs<DB,O,A>::fetch_all|QueryAs::fetch_all|query_as.rs:190|sqlx
orders::db::reaper|db::reaper|src/db.rs:30|orders
orders::audit::record|audit::record|src/audit.rs:41|orders
orders::audit::push|audit::push|src/audit.rs:58|orders
alloc::fmt::format|fmt::format|fmt.rs:620|alloc
core::fmt::write|fmt::write|mod.rs:1168|std
orders::price::total|price::total|src/price.rs:66|orders
orders::price::rules|price::rules|src/price.rs:104|orders
tracing_subscriber::fmt::Layer<S>::on_event|Layer::on_event|fmt_layer.rs:860|tracing
orders::metrics::flush|metrics::flush|src/metrics.rs:25|orders
`.trim().split('\n').map((line) => line.split('|'));

const WORKER = ['clone3', 'start_thread', 'thread_start', 'Inner::run', 'worker::run', 'Context::run_task', 'raw::poll'];
const HANDLER = [...WORKER, 'Dispatcher::poll', 'api::handle'];
const MAIN = ['_start', '__libc_start_main', 'main', 'lang_start_internal', 'src/main.rs:31'];
const STACKS = {
    cache: [...MAIN, 'cache::load', 'Store::insert', 'RawTable::reserve_rehash'],
    config: [...MAIN, 'config::load', 'RawVec::grow_amortized'],
    body: [...HANDLER, 'api::parse_body', 'de::from_slice', 'Deserializer::deserialize_struct', 'Vec::extend_desugared', 'RawVec::grow_amortized'],
    bodyText: [...HANDLER, 'api::parse_body', 'de::from_slice', 'Deserializer::deserialize_struct', 'fmt::format'],
    conn: [...WORKER, 'Dispatcher::poll', 'Conn::reserve', 'BytesMut::reserve_inner'],
    rows: [...HANDLER, 'db::rows', 'QueryAs::fetch_all', 'RawVec::grow_amortized'],
    total: [...HANDLER, 'price::total', 'price::rules', 'price::rules', 'price::rules', 'RawVec::grow_amortized'],
    format: [...HANDLER, 'price::total', 'fmt::format', 'fmt::write'],
    log: [...HANDLER, 'Layer::on_event', 'fmt::format', 'fmt::write'],
    audit: [...HANDLER, 'audit::record', 'audit::push'],
    auditText: [...HANDLER, 'audit::record', 'fmt::format'],
    reaper: [...WORKER, 'db::reaper', 'RawVec::grow_amortized'],
    flush: [...WORKER, 'metrics::flush', 'RawTable::reserve_rehash'],
};

function buildStacks(names, builder, random) {
    const frames = new Map();
    for (const [name, short, place, module] of FUNCTIONS) {
        const [file, line] = place.split(':');
        const func = names.func(name, short, file, names.module(module, MODULES[module]));
        const frame = names.frame(func, Number(line), short === 'fmt::write' ? 1 : 0);
        frames.set(short, frame);
        frames.set(place, frame);
    }
    const ids = Object.fromEntries(Object.entries(STACKS).map(([key, list]) => [key, builder.stack(list.map((f) => frames.get(f)))]));
    const small = [];
    for (let i = 0; i < 240; i++) {
        const module = random.of(['orders', 'hyper', 'sqlx', 'tracing', 'std']);
        const kind = random.of(['parse', 'encode', 'lookup', 'resize', 'clone', 'collect', 'decode', 'intern']);
        const func = names.func(`${module}::part${i % 60}::${kind}`, `part${i % 60}::${kind}`, `src/part${i % 60}.rs`, names.module(module, MODULES[module]));
        const base = random.of([MAIN, WORKER, HANDLER, [...HANDLER, 'price::total'], [...HANDLER, 'db::rows']]);
        small.push(builder.stack([...base.map((f) => frames.get(f)), names.frame(func, 10 + i)]));
    }
    return { ids, small, frameOf: frames };
}

function requestLoad(at_s) {
    const burst = Math.exp(-(((at_s - 12.4) / 1.5) ** 2));
    return 0.12 + 0.05 * Math.sin(at_s / 3) + burst + 0.25 * Math.exp(-(((at_s - 37) / 3) ** 2));
}

function addRequests(state, ids) {
    const { random, blocks, tasks } = state;
    for (let at_s = 2; at_s < 58; at_s += 0.5 * random.log(0.2, 1) / (requestLoad(at_s) * 4)) {
        const born = at_s * SECOND;
        const stay = (0.4 + random.next() * 1.6) * SECOND;
        const worker = random.int(1, 4);
        const task = tasks.push({ id: tasks.length + 1, group: 0, name: '', start_ns: Math.round(born), end_ns: Math.round(born + stay), polls: random.int(3, 40) });
        const ctx = state.ctx(worker, task);
        const put = (stack, size, from, until, n = 1, more = {}) =>
            blocks.push({ stack, ctx, size: Math.round(size), n, born_ns: Math.round(from), freed_ns: until === NEVER ? NEVER : Math.max(Math.round(from) + 1, Math.round(until)), ...more });
        for (let k = 0; k < 6; k++) put(ids.body, random.log(200 * KIB, 3 * MIB), born + k * 1e6, born + stay, 1, { realloc: k > 2, xfree: k === 5 });
        for (let k = 0; k < 10; k++) put(ids.bodyText, random.log(64, 4 * KIB), born + k * 1e6, born + stay * random.next(), random.int(5, 60));
        put(ids.conn, random.log(64 * KIB, 2 * MIB), born, born + stay * 1.4, 1, { xfree: random.next() < 0.8 });
        put(ids.rows, random.log(100 * KIB, 900 * KIB), born + 2e7, born + stay * 0.7, 2);
        for (let k = 0; k < 4; k++) put(ids.total, random.log(256, 16 * KIB), born + k * 2e7, born + k * 2e7 + random.log(1e3, 4e6), random.int(20, 200));
        for (let k = 0; k < 12; k++) {
            const from = born + stay * random.next();
            put(random.of([ids.format, ids.log, ids.auditText]), random.log(24, 8 * KIB), from, from + random.log(800, 2e6), random.int(100, 900), { tmp: random.next() < 0.9 });
        }
        for (let k = 0; k < 14; k++) put(ids.audit, random.int(600, 2200), born + stay * random.next(), NEVER, 3);
        for (let k = 0; k < 8; k++) put(random.of(state.small), random.log(16, 20 * KIB), born, born + stay * random.next(), random.int(1, 12));
    }
}

function addHousekeeping(state, ids) {
    const { random, blocks, tasks } = state;
    const main = state.ctx(0, 0);
    const put = (stack, ctx, size, from, until, n = 1) => blocks.push({ stack, ctx, size: Math.round(size), n, born_ns: Math.round(from), freed_ns: Math.max(Math.round(from) + 1, Math.round(until)) });
    for (let k = 0; k < 12; k++) put(ids.cache, main, 1.6 * MIB, (0.3 + k * 0.13) * SECOND, NEVER);
    for (let k = 0; k < 30; k++) put(ids.config, main, random.log(32, 30 * KIB), 0.05 * SECOND + k * 1e5, k % 3 ? 0.2 * SECOND : NEVER);
    for (const stack of state.small.slice(0, 120)) put(stack, main, random.log(32, 200 * KIB), random.next() * SECOND, random.next() < 0.5 ? NEVER : 3 * SECOND);
    const reaper = tasks.push({ id: 9001, group: 1, name: 'db-pool reaper', start_ns: 1.2e9, end_ns: 0, polls: 6100 });
    const flusher = tasks.push({ id: 9002, group: 2, name: '', start_ns: 1.1e9, end_ns: 0, polls: 610 });
    for (let at_s = 2; at_s < 60; at_s += 0.25) {
        put(ids.reaper, state.ctx(1 + (Math.floor(at_s) % 4), reaper), 90 * KIB, at_s * SECOND, Math.round((at_s + 0.8) * SECOND), 4);
        put(ids.flush, state.ctx(2, flusher), 30 * KIB, at_s * SECOND, Math.round((at_s + 0.1) * SECOND), 6);
    }
}

function findingsOf(built, nodes, siteOf) {
    const mib = (bytes) => `${(bytes / MIB).toFixed(1)} MiB`;
    return [
        { id: 'growth', severity: 'high', title: 'orders::audit::push grows steadily: +204 KiB/s until the end', value: 204 * KIB, unit: 'bytes/s', confidence: 0.97, text: 'Never-freed bytes of this site rise on a straight line (R² 0.97 over the last half). Bound the audit queue or drain it.', link: { view: 'leaks', metric: 'leak', site: siteOf(nodes.audit) } },
        { id: 'peak-site', severity: 'medium', title: `serde_json::de::from_slice holds the largest part of the peak`, value: 0.61, unit: 'ratio', text: `At the peak of ${mib(built.totals.peak_live_bytes)} most bytes are request bodies that are parsed at once.`, link: { view: 'flame', metric: 'peak', site: siteOf(nodes.body) } },
        { id: 'churn', severity: 'medium', title: 'fmt::format allocates more than half of all blocks, most live under 1 ms', value: 0.53, unit: 'ratio', text: 'Formatting into a reused buffer would remove them.', link: { view: 'table', metric: 'alloc', unit: 'count', search: 'fmt::format' } },
        { id: 'task-retained', severity: 'medium', title: 'Ended tasks of POST /orders still hold memory', value: 12.1 * MIB, unit: 'bytes', text: 'The tasks are gone, what they allocated is not.', link: { view: 'tasks', metric: 'live', group: 0 } },
        { id: 'xfree', severity: 'low', title: '80 % of Conn::reserve buffers are freed by another thread', value: 0.8, unit: 'ratio', link: { view: 'table', metric: 'alloc', search: 'Conn::reserve' } },
    ];
}

export function serverModel() {
    const random = seeded(7);
    const duration_ns = 61.2 * SECOND;
    const edges = exponentialEdges(duration_ns, 512);
    const T = edges.length - 1;
    const names = new Names();
    const builder = new TreeBuilder();
    const { ids, small, frameOf } = buildStacks(names, builder, random);
    const threads = ['order-server', 'tokio-worker-0', 'tokio-worker-1', 'tokio-worker-2', 'tokio-worker-3']
        .map((name, i) => ({ proc: 0, tid: 4711 + i, name, start_ns: i ? 2e7 : 0, end_ns: 0 }));
    const ctxs = [];
    const ctxIndex = new Map();
    const state = {
        random, small, blocks: [], tasks: [],
        ctx(thread, task) {
            const key = thread * 1e6 + task;
            if (!ctxIndex.has(key)) ctxIndex.set(key, ctxs.push({ proc: 0, thread, task }) - 1);
            return ctxIndex.get(key);
        },
    };
    addRequests(state, ids);
    addHousekeeping(state, ids);
    for (const block of state.blocks) if (block.freed_ns !== NEVER && block.freed_ns >= duration_ns) block.freed_ns = duration_ns - 1;
    const tree = builder.finish();
    const nodeWith = (frame) => tree.frame.findIndex((f) => f === frame) + 1;
    const groups = [
        { name: 'POST /orders', kind: 'tokio', node: nodeWith(frameOf.get('api::handle')) },
        { name: 'db-pool reaper', kind: 'tokio', node: nodeWith(frameOf.get('db::reaper')) },
        { name: 'metrics::flush', kind: 'tokio', node: nodeWith(frameOf.get('metrics::flush')) },
    ];
    const procs = [{ pid: 4711, parent: 0, name: 'order-server --port 8080', start_ns: 0, end_ns: 0, end_slice: T, end_kind: 0 }];
    const world = { cmd: ['order-server', '--port', '8080'], edges, procs, threads, groups, tasks: state.tasks, ctxs, realloc_n: 8812 };
    const nodes = Object.fromEntries(Object.entries(ids).map(([key, stack]) => [key, tree.nodeOfStack[stack]]));
    return completeModel(world, state.blocks, names, tree, (built) => {
        const rss = built.line.hwm_bytes.map((bytes, i) => (i % 2 ? null : Math.round(36 * MIB + built.line.hwm_bytes.slice(0, i + 1).reduce((m, b) => Math.max(m, b), 0) * 0.75 + bytes * 0.3)));
        const rssPeak = rss.reduce((max, value) => Math.max(max, value ?? 0), 0);
        const tasks_alive = edges.slice(1).map((edge) => state.tasks.filter((t) => t.start_ns <= edge && (t.end_ns === 0 || t.end_ns > edge)).length);
        const part = rssPeak - built.totals.peak_live_bytes;
        const siteOf = (node) => built.rows.site_node.indexOf(node);
        return {
            rss, tasks_alive, totals: { peak_rss_bytes: rssPeak },
            markers: [{ t_ns: 2e9, kind: 'mark', label: 'accepting connections' }],
            manifest: {
                capture: {
                    mode: 'auto', strategy: 'AsyncOptimized', chosen_by: 'auto', confidence: 0.94, sample_rate: 1, effective_rate: 1, sample_kind: 'exact', track_async: true, detailed: false,
                    max_overhead_bytes: 64e6,
                    reasons: ['The executable contains the Tokio runtime (version 1.38) and starts its worker threads.', 'Four threads allocate at once.'],
                    evidence: [
                        { fact: 'symbols tokio::runtime::* in the executable', value: '412', points_to: 'async' },
                        { fact: 'threads named tokio-worker-*', value: '4', points_to: 'async' },
                        { fact: 'threads that allocate', value: '5', points_to: 'thread-local' },
                    ],
                    runtimes: [{ name: 'Tokio', version: '1.38', how: 'vtable entries of task polls, 14 rules armed, 0 refused' }],
                    changes: [{ at_ns: 2.1e7, what: 'strategy', from: 'single-thread', to: 'async', why: 'a second thread started' }],
                },
                rss: { peak_bytes: rssPeak, at_ns: built.totals.peak_at_ns, heap_bytes: built.totals.peak_live_bytes, mmap_bytes: Math.round(part * 0.1), held_bytes: Math.round(part * 0.4), other_bytes: part - Math.round(part * 0.1) - Math.round(part * 0.4) - 21400000, self_bytes: 21400000 },
                findings: findingsOf(built, nodes, siteOf),
                notices: [{ severity: 'note', kind: 'promoted', text: 'Strategy changed from single-thread to async after 21 ms; no event was lost.', at_ns: 2.1e7 }],
                suppressions: [{ pattern: 'orders::config::*', reason: 'kept for the whole run on purpose', n: 10, bytes: 61440 }],
            },
        };
    });
}
