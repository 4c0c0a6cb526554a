/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process is looked at when it is new, when it holds noticeably more than at the last look, and
 * otherwise ever less often as it grows older. The parts are told when the sum over all processes
 * has passed the one that was last told; the time this takes decides how soon it is done again;
 * where recording is to be cheap, that is a smaller share.
 */
#include "collect/residents.h"

#include <time.h>

#include "collect/allocators.h"
#include "collect/resident.h"

enum {
    RESIDENTS_OFTEN_NS = 5000000,
    RESIDENTS_SELDOM_NS = 200000000,
    RESIDENTS_AGE = 16,   /* a process of age t is looked at after t / this */
    RESIDENTS_LOAD = 128, /* ... and when it holds 1/this more */
    RESIDENTS_LOAD_LEAST = 64 << 10,
    RESIDENTS_NEWS = 256, /* the parts, when the sum has grown by 1/this */
    RESIDENTS_COST = 25,  /* and this many times what telling them took has passed */
    RESIDENTS_COST_SAMPLED = 200,
    RESIDENTS_SAMPLED = 4, /* while sampling it takes that many times more of both for a look */
    RESIDENTS_LIMITED_NS = 1000000000, /* with a percent budget, not before this */
    RESIDENTS_KB = 1024,
};

/* What a process said of itself at its end, in bytes. */
struct residents_told {
    uint64_t peak, anon, file, shared;
};

/* What the process holds by its own calls. */
static uint64_t residents_load(const struct model_process *process)
{
    return process->sums.live_bytes + process->mapped_bytes;
}

static bool residents_is_due(const struct image *image, const struct model_process *process,
                             bool is_sampled, uint64_t at_ns)
{
    if (!image->rss_at_ns)
        return true;
    uint64_t since = at_ns - image->rss_at_ns, load = residents_load(process);
    uint64_t times = is_sampled ? RESIDENTS_SAMPLED : 1;
    if (load > image->rss_load + (image->rss_load / RESIDENTS_LOAD + RESIDENTS_LOAD_LEAST) * times)
        return true;
    uint64_t age = at_ns > process->start_ns ? at_ns - process->start_ns : 0;
    uint64_t pause = age / RESIDENTS_AGE;
    if (pause > RESIDENTS_SELDOM_NS)
        pause = RESIDENTS_SELDOM_NS;
    return since >= pause && since >= RESIDENTS_OFTEN_NS * times;
}

/* Looks at one process. True: it was due. */
static bool residents_look_at(struct images *images, struct image *image, uint64_t at_ns)
{
    struct model_process *process = &images->model->processes.at[image->process];
    uint64_t bytes = 0, peak = 0;
    if (!residents_is_due(image, process, images->model->sampled, at_ns))
        return false;
    image->rss_at_ns = at_ns;
    image->rss_load = residents_load(process);
    if (!resident_read(image->pid, &bytes, &peak))
        return false;
    image->rss_bytes = bytes;
    allocators_name(images, image);
    if (peak > process->rss_peak_bytes)
        process->rss_peak_bytes = peak;
    return true;
}

/* What this thread has worked: on a busy machine a look lasts long, and costs no more. */
static uint64_t residents_worked_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Tells the parts of all processes that live; the others hold nothing now. */
static void residents_explain(struct images *images, uint64_t at_ns)
{
    struct model *model = images->model;
    uint64_t before = residents_worked_ns(), sum = 0, load = 0;
    VEC_EACH (struct model_process, process, &model->processes) {
        process->resident = (struct model_resident){0};
    }
    for (uint32_t i = 0; i < images->segment->process_n; i++) {
        struct image *image = &images->at[i];
        if (!image->used || image->gone)
            continue;
        struct model_resident *parts = &model->processes.at[image->process].resident;
        load += residents_load(&model->processes.at[image->process]);
        if (resident_explain(image->pid, model, image->process, parts, &image->rss_file_bytes))
            sum += parts->bytes;
    }
    images->explained_bytes = sum;
    images->explained_load = load;
    uint64_t cost = residents_worked_ns() - before;
    images->explain_at_ns =
            at_ns + cost * (model->sampled ? RESIDENTS_COST_SAMPLED : RESIDENTS_COST);
    if (sum > model->rss_peak_bytes)
        model->rss_peak_bytes = sum;
}

/*
 * Whether to tell the parts: of a new peak, or once more of the last while it lasts, for what the
 * kernel shows may be ahead of what has been fed of the program's calls.
 */
static bool residents_tells_more(const struct images *images, uint64_t sum, uint64_t load)
{
    uint64_t told = images->explained_bytes, step = told / RESIDENTS_NEWS;
    uint64_t news = load > images->explained_load ? load - images->explained_load
                                                  : images->explained_load - load;
    return sum > told + step || (sum + step >= told && news > step);
}

void residents_look(struct images *images, uint64_t at_ns)
{
    struct model *model = images->model;
    uint64_t sum = 0, load = 0;
    const struct image *only = NULL;
    bool any = false;
    for (uint32_t i = 0; i < images->segment->process_n; i++) {
        struct image *image = &images->at[i];
        if (!image->used || image->gone || image->sought)
            continue;
        any = residents_look_at(images, image, at_ns) || any;
        sum += image->rss_bytes;
        load += residents_load(&model->processes.at[image->process]);
        only = image;
    }
    if (!any || !sum)
        return;
    feed_rss(model, at_ns, sum);
    journal_event(images->journal,
                  &(struct events_event){.kind = EVENTS_RSS, .size_bytes = sum, .at_ns = at_ns});
    /* Of one process the kernel itself remembers the peak. */
    if (images->seen_n == 1 && only) {
        uint64_t peak = model->processes.at[only->process].rss_peak_bytes;
        model->rss_peak_bytes = peak > model->rss_peak_bytes ? peak : model->rss_peak_bytes;
    }
    if (at_ns >= images->explain_at_ns &&
        (!images->segment->at->config.is_limited || at_ns >= RESIDENTS_LIMITED_NS) &&
        residents_tells_more(images, sum, load))
        residents_explain(images, at_ns);
}

/*
 * The parts of a process that no look divided, as far as the kernel's own division at the end goes:
 * files are code and data, shared memory of no file is our segment, and what was live is known.
 */
static void residents_divide(struct model_process *process, const struct residents_told *told)
{
    struct model_resident *parts = &process->resident;
    uint64_t live = process->sums.live_bytes;
    if (told->anon + told->file + told->shared > told->peak)
        return;
    parts->live_bytes = parts->heap_bytes = live < told->anon ? live : told->anon;
    parts->file_bytes = told->file;
    /* Where the program maps, some of it may be the program's. */
    parts->self_bytes = process->map_n ? 0 : told->shared;
}

static uint64_t residents_growth(uint64_t now, uint64_t then, uint64_t room)
{
    uint64_t growth = now > then ? now - then : 0;
    return growth < room ? growth : room;
}

/* What has grown since the last look, where the peak has come after it. */
static void residents_extend(const struct image *image, struct model_process *process,
                             const struct residents_told *told)
{
    struct model_resident *parts = &process->resident;
    uint64_t room = told->peak > parts->bytes ? told->peak - parts->bytes : 0;
    if (told->anon + told->file + told->shared <= parts->bytes)
        return;
    uint64_t file = residents_growth(told->file, image->rss_file_bytes, room);
    uint64_t live = residents_growth(process->sums.live_bytes, parts->live_bytes, room - file);
    parts->file_bytes += file;
    parts->heap_bytes += live;
    parts->live_bytes += live;
    parts->bytes += file + live;
}

void residents_end(struct images *images, const struct image *image, uint64_t waited_bytes)
{
    struct model *model = images->model;
    struct model_process *process = &model->processes.at[image->process];
    const struct wire_process *slot = wire_process_at(images->segment->at, image->slot);
    const struct residents_told told = {
            .peak = (uint64_t)atomic_load(&slot->rss_peak_kb) * RESIDENTS_KB,
            .anon = (uint64_t)atomic_load(&slot->rss_anon_kb) * RESIDENTS_KB,
            .file = (uint64_t)atomic_load(&slot->rss_file_kb) * RESIDENTS_KB,
            .shared = (uint64_t)atomic_load(&slot->rss_shmem_kb) * RESIDENTS_KB,
    };
    uint64_t peak = told.peak > waited_bytes ? told.peak : waited_bytes;
    if (image->passed)
        return;
    if (peak > process->rss_peak_bytes)
        process->rss_peak_bytes = peak;
    if (peak > model->rss_peak_bytes)
        model->rss_peak_bytes = peak;
    if (images->seen_n > 1)
        return; /* the moment that its parts were told at is another's */
    if (process->resident.bytes)
        residents_extend(image, process, &told);
    else
        residents_divide(process, &told);
}
