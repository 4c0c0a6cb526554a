// SPDX-License-Identifier: Apache-2.0
// Section s3 in memory: figures that need no window. Tables that a report leaves out are empty.
import type { Numbers } from './codec';
import type { Columns } from './report';

const EMPTY = new Float64Array(0);

export interface Stats {
    procPid: Numbers;
    procParent: Numbers;
    procName: Numbers;
    procWhy: Numbers;
    procStart: Numbers;
    procEnd: Numbers;
    procStatus: Numbers;
    procPeakBytes: Numbers;
    procPeakAt: Numbers;
    procRss: Numbers;
    threadTid: Numbers;
    threadName: Numbers;
    threadStart: Numbers;
    threadEnd: Numbers;
    threadPeakBytes: Numbers;
    groupName: Numbers;
    groupKind: Numbers;
    groupEvidence: Numbers;
    groupNode: Numbers;
    taskId: Numbers;
    taskName: Numbers;
    taskParent: Numbers;
    taskStart: Numbers;
    taskEnd: Numbers;
    taskPolls: Numbers;
    taskN: Numbers;
    taskPeakBytes: Numbers;
    siteMin: Numbers;
    siteMax: Numbers;
    siteTmpN: Numbers;
    siteReallocN: Numbers;
    siteMovedBytes: Numbers;
    siteSamplesN: Numbers;
    siteLifeP50: Numbers;
    siteLifeP99: Numbers;
    cellXfreeN: Numbers;
    sizeClass: Numbers;
    lifeClass: Numbers;
    sizeHistN: Numbers;
    sizeHistBytes: Numbers;
    lifeHistN: Numbers;
    lifeHistBytes: Numbers;
    heatSlice: Numbers;
    sizeTimeN: Numbers;
    lifeTimeN: Numbers;
    sizeLifeN: Numbers;
    leakSite: Numbers;
    leakN: Numbers;
    leakBytes: Numbers;
    leakClass: Numbers;
    leakSlope: Numbers;
    leakR2: Numbers;
    leakFirst: Numbers;
    leakLast: Numbers;
    leakSuppr: Numbers;
}

const COLUMN_OF: Record<keyof Stats, string> = {
    procPid: 'proc_pid', procParent: 'proc_parent', procName: 'proc_name', procWhy: 'proc_why', procStart: 'proc_start_ns',
    procEnd: 'proc_end_ns', procStatus: 'proc_status', procPeakBytes: 'proc_peak_bytes', procPeakAt: 'proc_peak_at_ns', procRss: 'proc_rss_bytes',
    threadTid: 'thread_tid', threadName: 'thread_name', threadStart: 'thread_start_ns', threadEnd: 'thread_end_ns', threadPeakBytes: 'thread_peak_bytes',
    groupName: 'group_name', groupKind: 'group_kind', groupEvidence: 'group_evidence', groupNode: 'group_node',
    taskId: 'task_id', taskName: 'task_name', taskParent: 'task_parent', taskStart: 'task_start_ns', taskEnd: 'task_end_ns',
    taskPolls: 'task_polls', taskN: 'task_n', taskPeakBytes: 'task_peak_bytes',
    siteMin: 'site_min', siteMax: 'site_max', siteTmpN: 'site_tmp_n', siteReallocN: 'site_realloc_n', siteMovedBytes: 'site_moved_bytes',
    siteSamplesN: 'site_samples_n', siteLifeP50: 'site_life_p50_ns', siteLifeP99: 'site_life_p99_ns',
    cellXfreeN: 'cell_xfree_n',
    sizeClass: 'size_class', lifeClass: 'life_class', sizeHistN: 'size_hist_n', sizeHistBytes: 'size_hist_bytes',
    lifeHistN: 'life_hist_n', lifeHistBytes: 'life_hist_bytes', heatSlice: 'heat_slice',
    sizeTimeN: 'size_time_n', lifeTimeN: 'life_time_n', sizeLifeN: 'size_life_n',
    leakSite: 'leak_site', leakN: 'leak_n', leakBytes: 'leak_bytes', leakClass: 'leak_class', leakSlope: 'leak_slope', leakR2: 'leak_r2',
    leakFirst: 'leak_first_ns', leakLast: 'leak_last_ns', leakSuppr: 'leak_suppr',
};

export function statsFrom(columns: Columns): Stats {
    const entries = Object.entries(COLUMN_OF).map(([key, name]) => {
        const column = columns.get(name);
        return [key, column && !Array.isArray(column) ? column : EMPTY];
    });
    return Object.fromEntries(entries) as unknown as Stats;
}
