// SPDX-License-Identifier: Apache-2.0
// Who owns the memory: processes, threads, and async tasks by their spawn site, each with its history and what stands out.
import { computed, signal } from '@preact/signals';
import { setFilter } from '../actions';
import { groupLabel, groupOfContext, procLabel, threadLabel } from '../data/labels';
import { formatCount, formatPercent, formatTime, formatValue, formatValueExact, plural, shortPlace } from '../format';
import { aggregateContexts } from '../query/metrics';
import { freedElsewhere, groupRows, ownerLints, ownerRows, taskRows, type OwnerRow, type OwnerSums } from '../query/owners';
import { siteOwners } from '../query/calltree';
import { liveSeriesBy } from '../query/series';
import * as state from '../state';
import { Stack } from './details';
import { Grid, ROW_PX, type GridColumn } from './grid';
import { Spark } from './spark';

const MOST_CURVES = 400;

const chosenGroup = signal(-1);
const sort = signal<Record<string, string>>({ groups: 'chosen.d', threads: 'chosen.d', procs: 'chosen.d', tasks: 'chosen.d' });

const sums = computed<OwnerSums | null>(() => {
    const data = state.body.value;
    const head = state.head.value;
    const extra = state.stats.value;
    if (!data || !head || !extra) return null;
    const bytes = state.unit.value === 'bytes';
    const sum = (metric: 'alloc' | 'live' | null): { n: Float64Array; bytes: Float64Array } => {
        const query = { ...state.queryFor(metric ?? state.metric.value), siteMask: state.siteMask.value };
        if (metric === 'live') query.window = { i0: query.window.i0, i1: state.slices.value };
        return aggregateContexts(data.rows, head.timeline, query);
    };
    const pick = (both: { n: Float64Array; bytes: Float64Array }): Float64Array => (bytes ? both.bytes : both.n);
    const alloc = sum('alloc');
    return { alloc: pick(alloc), allocN: alloc.n, end: pick(sum('live')), chosen: pick(sum(null)), freedElsewhere: freedElsewhere(data.rows, extra.cellXfreeN) };
});

function curvesBy(count: number, keyOf: (ctx: number) => number): Float64Array[] {
    const data = state.body.value;
    if (!data) return [];
    const most = Math.min(count, MOST_CURVES);
    return liveSeriesBy(data.rows, state.unit.value, most, (_, ctx) => {
        const key = keyOf(ctx);
        return key < most ? key : -1;
    });
}

const groupCurves = computed(() => {
    const data = state.body.value;
    return data ? curvesBy(state.stats.value?.groupName.length ?? 0, (ctx) => groupOfContext(data.rows, ctx)) : [];
});
const threadCurves = computed(() => {
    const data = state.body.value;
    return data ? curvesBy(data.rows.threadProc.length, (ctx) => data.rows.ctxThread[ctx]) : [];
});
const procCurves = computed(() => {
    const data = state.body.value;
    return data ? curvesBy(data.rows.procEndKind.length, (ctx) => data.rows.ctxProc[ctx]) : [];
});

const tasks = computed(() => {
    const data = state.body.value;
    const extra = state.stats.value;
    return data && extra && sums.value ? taskRows(data.rows, extra, sums.value) : [];
});

const FIELDS: Record<string, keyof OwnerRow> = { chosen: 'chosen', alloc: 'alloc', end: 'end', tasks: 'tasks', alive: 'alive', polls: 'polls', retained: 'retained', elsewhere: 'freedElsewhere' };

function sorted(rows: OwnerRow[], order: string, name: (row: OwnerRow) => string): OwnerRow[] {
    const [field, direction] = order.split('.');
    const sign = direction === 'a' ? 1 : -1;
    if (field === 'name') return rows.sort((x, y) => sign * (name(x) < name(y) ? -1 : 1));
    const key = FIELDS[field] ?? 'chosen';
    return rows.sort((x, y) => sign * (x[key] - y[key]) || x.id - y.id);
}

function amount(value: number) {
    return value === 0 ? <span class="muted">–</span> : <span title={formatValueExact(value, state.unit.value)}>{formatValue(value, state.unit.value)}</span>;
}

function highest(curve: ArrayLike<number> | undefined): number {
    let max = 0;
    for (let i = 0; curve && i < curve.length; i++) max = Math.max(max, curve[i]);
    return max;
}

interface Kind {
    title: string;
    name: (row: OwnerRow) => string;
    note: (row: OwnerRow) => string;
    curves: Float64Array[];
    withTasks: boolean;
}

function columnsFor(kind: Kind): GridColumn<OwnerRow>[] {
    const text = (value: number): string => formatValue(value, state.unit.value);
    const columns: GridColumn<OwnerRow>[] = [
        {
            id: 'name', title: kind.title, width: 'minmax(220px, 1fr)',
            cell: (row) => {
                const lints = ownerLints(row, text);
                return (
                    <span class="named">
                        <span class="name">{kind.name(row)}</span>
                        {lints.length === 0 && <span class="muted place">{kind.note(row)}</span>}
                        {lints.length > 0 && <span class="lint" title={lints.join('; ')}><span aria-hidden="true">▲</span> {lints.join('; ')}</span>}
                    </span>
                );
            },
        },
        { id: 'chosen', title: 'Chosen metric', help: state.scopeText.value, width: '108px', numeric: true, cell: (row) => amount(row.chosen) },
    ];
    if (kind.curves.length > 0) {
        columns.push(
            { id: 'curve', title: 'Live over the run', width: '138px', sortable: false, cell: (row) => (kind.curves[row.id] ? <Spark series={kind.curves[row.id]} width={120} height={20} label={`Live memory of ${kind.name(row)}`} window /> : null) },
            { id: 'top', title: 'Highest', help: 'Highest live at a slice edge', width: '84px', numeric: true, sortable: false, cell: (row) => amount(highest(kind.curves[row.id])) },
        );
    }
    columns.push(
        { id: 'end', title: 'Live at end', width: '92px', numeric: true, cell: (row) => amount(row.end) },
        { id: 'alloc', title: 'Allocated', help: 'In the window', width: '88px', numeric: true, cell: (row) => amount(row.alloc) },
        { id: 'elsewhere', title: 'Freed elsewhere', help: 'Blocks freed by another thread, whole run', width: '130px', numeric: true, cell: (row) => (row.freedElsewhere === 0 ? <span class="muted">–</span> : formatCount(row.freedElsewhere)) },
    );
    if (kind.withTasks) {
        columns.push(
            { id: 'retained', title: 'Kept after end', help: 'Live at the end, allocated by tasks that have ended', width: '112px', numeric: true, cell: (row) => amount(row.retained) },
            { id: 'tasks', title: 'Tasks', width: '64px', numeric: true, cell: (row) => formatCount(row.tasks) },
            { id: 'alive', title: 'Alive', width: '60px', numeric: true, cell: (row) => formatCount(row.alive) },
            { id: 'polls', title: 'Polls', width: '74px', numeric: true, cell: (row) => formatCount(row.polls) },
        );
    }
    return columns;
}

function OwnerGrid(props: { id: string; kind: Kind; rows: OwnerRow[]; most: number; onOpen?: (row: OwnerRow) => void; onChoose?: (row: OwnerRow) => void; chosen?: number }) {
    const order = sort.value[props.id];
    const rows = sorted(props.rows.slice(), order, props.kind.name);
    return (
        <div class="owner-grid" style={{ height: `${(Math.min(rows.length, props.most) + 1) * ROW_PX + 4}px` }}>
            <Grid
                label={props.kind.title}
                columns={columnsFor(props.kind)}
                rows={rows}
                rowKey={(row) => row.id}
                sort={order}
                onSort={(next) => (sort.value = { ...sort.value, [props.id]: next })}
                onOpen={props.onOpen}
                onChoose={props.onChoose}
                chosen={props.chosen ?? null}
            />
        </div>
    );
}

/** The call that spawned each group: the program's own, not the runtime's under it. */
const spawnNodes = computed(() => {
    const data = state.body.value;
    const nodes = Int32Array.from(state.stats.value?.groupNode ?? [], (node) => Math.max(0, node - 1));
    return data ? siteOwners(data.names, { siteNode: nodes }) : nodes;
});

const EVIDENCE: Record<string, string> = {
    none: 'not known', program: 'the program says so', coroutine: "the coroutine's own", spawn: 'the function that spawned it', position: 'its place in the sources',
    type: 'its type', 'type+position': 'its type, and the places where it waited', symbol: 'its symbol',
};

function GroupCard(props: { group: number; lints: string[] }) {
    const data = state.body.value;
    const extra = state.stats.value;
    if (!data || !extra) return null;
    const how = data.labels.text(extra.groupEvidence[props.group] ?? 0);
    const node = spawnNodes.value[props.group];
    return (
        <section class="card" aria-label="Task group">
            <h2>{groupLabel(data.labels, extra, props.group)}</h2>
            {props.lints.map((lint) => <p key={lint} class="lint">▲ {lint}</p>)}
            <p class="muted">
                {data.labels.text(extra.groupKind[props.group])}{how !== '' && ` · name known by: ${EVIDENCE[how] ?? how}`}
            </p>
            {node > 0 && <Stack node={node} title="Spawned by" own />}
        </section>
    );
}

function TaskGroups() {
    const data = state.body.value;
    const extra = state.stats.value;
    if (!data || !extra || extra.groupName.length === 0) return null;
    const rows = groupRows(data.rows, tasks.value, extra.groupName.length);
    const alive = rows.reduce((sum, row) => sum + row.alive, 0);
    const all = rows.reduce((sum, row) => sum + row.tasks, 0);
    const odd = rows.filter((row) => ownerLints(row, String).length > 0).length;
    const place = (row: OwnerRow): string => {
        const node = spawnNodes.value[row.id];
        const kind = data.labels.text(extra.groupKind[row.id]);
        return node > 0 ? `${kind} · spawned at ${shortPlace(data.labels.place(node))}` : kind;
    };
    const kind: Kind = { title: 'Task group, by spawn site', name: (row) => groupLabel(data.labels, extra, row.id), note: place, curves: groupCurves.value, withTasks: true };
    const group = chosenGroup.value;
    const ofGroup = group >= 0 ? tasks.value.filter((row) => data.rows.taskGroup[row.id] === group) : [];
    const taskKind: Kind = {
        title: `Tasks of ${groupLabel(data.labels, extra, group)}`,
        name: (row) => data.labels.text(extra.taskName[row.id]) || `task ${extra.taskId[row.id]}`,
        note: (row) => (row.tasks > 1 ? `${formatCount(row.tasks)} tasks together` : `${formatTime(extra.taskStart[row.id])} – ${extra.taskEnd[row.id] > 0 ? formatTime(extra.taskEnd[row.id]) : 'alive'}`),
        curves: [], withTasks: true,
    };
    return (
        <section>
            <h2 class="section-title">
                Tasks <span class="muted">{plural(all, 'task')}, {formatCount(alive)} alive at the end{odd > 0 ? `, ${plural(odd, 'group')} with something to look at` : ''}</span>
            </h2>
            <OwnerGrid id="groups" kind={kind} rows={rows} most={12} chosen={group} onChoose={(row) => (chosenGroup.value = row.id)} onOpen={(row) => setFilter('groups', [row.id])} />
            {group >= 0 && <GroupCard group={group} lints={rows.filter((row) => row.id === group).flatMap((row) => ownerLints(row, (value) => formatValue(value, state.unit.value)))} />}
            {ofGroup.length > 0 && (
                <>
                    <h2 class="section-title">{taskKind.title} <button type="button" class="quiet" onClick={() => setFilter('groups', [group])}>show only these everywhere</button></h2>
                    <OwnerGrid id="tasks" kind={taskKind} rows={ofGroup} most={8} />
                </>
            )}
        </section>
    );
}

export function TasksView() {
    const data = state.body.value;
    const extra = state.stats.value;
    const now = sums.value;
    if (!data || !extra || !now) return <p class="waiting">Reading…</p>;
    const { rows, labels } = data;
    const threads = ownerRows(rows, now, rows.threadProc.length, (ctx) => rows.ctxThread[ctx]);
    const procs = ownerRows(rows, now, rows.procEndKind.length, (ctx) => rows.ctxProc[ctx]);
    const total = threads.reduce((sum, row) => sum + row.chosen, 0);
    const threadKind: Kind = {
        title: 'Thread', name: (row) => threadLabel(labels, extra, row.id), curves: threadCurves.value, withTasks: false,
        note: (row) => `tid ${extra.threadTid[row.id]} · ${formatPercent(row.chosen, total)}`,
    };
    const procKind: Kind = {
        title: 'Process', name: (row) => procLabel(labels, extra, row.id), curves: procCurves.value, withTasks: false,
        note: (row) => labels.text(extra.procWhy[row.id] ?? 0) || ['there at the end', 'exited', 'killed', 'replaced by exec'][rows.procEndKind[row.id]] || '',
    };
    return (
        <div class="tasks">
            <TaskGroups />
            <section>
                <h2 class="section-title">Threads <span class="muted">{plural(threads.length, 'thread')}; {formatValue(total, state.unit.value)} {state.scopeText.value}; double-click shows one alone</span></h2>
                <OwnerGrid id="threads" kind={threadKind} rows={threads} most={14} onOpen={(row) => setFilter('threads', [row.id])} />
            </section>
            {procs.length > 1 && (
                <section>
                    <h2 class="section-title">Processes <span class="muted">{formatCount(procs.length)}</span></h2>
                    <OwnerGrid id="procs" kind={procKind} rows={procs} most={12} onOpen={(row) => setFilter('procs', [row.id])} />
                </section>
            )}
        </div>
    );
}
