/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of an image's origin comes from three places, none of which knows all. Its slot
 * names the image that forked it, or for one that was executed the number of the parent process;
 * but a forked process that has not used the heap is in no slot, and its children name the one
 * before it. /proc names the parent while both live. The model knows what a process was at a time,
 * also when that image has been replaced or has ended since.
 *
 * A process may be replaced before it was looked at, or be seen to have ended while it was being
 * replaced: whoever had the same number right before is what was replaced.
 */
#include "collect/ancestry.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

enum {
    ANCESTRY_BACK_MAX = 4096,         /* processes of the model that are looked through */
    ANCESTRY_FORKERS_MAX = 4096,      /* that are awaited */
    ANCESTRY_REPLACED_NS = 500000000, /* from the end that was seen to the start of the next */
};

/* True when the process of the model was there at a time, as far as is known, or until shortly. */
static bool ancestry_lived(const struct model_process *process, uint64_t at_ns, uint64_t slack_ns)
{
    return process->start_ns <= at_ns && (process->end == PROCESS_RUNNING || !process->end_ns ||
                                          process->end_ns + slack_ns >= at_ns);
}

/* Makes images known that have this number and began before: they may not have been seen yet. */
static void ancestry_get_unseen(struct images *images, int pid, uint64_t before_ns)
{
    for (uint32_t i = 0; i < images->segment->process_n; i++) {
        const struct wire_process *slot = wire_process_at(images->segment->at, i);
        uint64_t start = *(const volatile uint64_t *)&slot->start_stamp;
        if (!images->at[i].used && !images->at[i].begins &&
            (int)*(const volatile uint32_t *)&slot->pid == pid &&
            ticks_to_ns(&images->ticks, start) < before_ns)
            images_get(images, i);
    }
}

/* The process of the model that had this number at a time: the last one to begin before. */
static uint32_t ancestry_at(const struct images *images, int pid, uint64_t at_ns, uint64_t slack_ns)
{
    const struct model *model = images->model;
    uint32_t best = MODEL_NONE;
    for (uint32_t i = 0; i < images->segment->process_n; i++) {
        const struct image *image = &images->at[i];
        if (image->used && image->pid == pid &&
            model->processes.at[image->process].start_ns <= at_ns &&
            (best == MODEL_NONE ||
             model->processes.at[best].start_ns <= model->processes.at[image->process].start_ns))
            best = image->process;
    }
    size_t end =
            model->processes.n > ANCESTRY_BACK_MAX ? model->processes.n - ANCESTRY_BACK_MAX : 0;
    for (size_t i = model->processes.n; best == MODEL_NONE && i-- > end;) {
        const struct model_process *process = &model->processes.at[i];
        if (process->pid == (uint32_t)pid && ancestry_lived(process, at_ns, slack_ns))
            best = (uint32_t)i;
    }
    return best;
}

static struct image *ancestry_image(struct images *images, uint32_t process)
{
    for (uint32_t i = 0; i < images->segment->process_n; i++) {
        if (images->at[i].used && images->at[i].process == process)
            return &images->at[i];
    }
    return NULL;
}

/* The number of the process that started this one; 0: not known. */
static int ancestry_parent_pid(int pid, const struct wire_process *slot)
{
    char path[64], *text;
    size_t n;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    /* It may be gone: then by what it said itself. */
    if (file_read_all(path, 64 << 10, &text, &n, NULL) < 0)
        return *(const volatile uint32_t *)&slot->parent
                       ? 0
                       : (int)*(const volatile uint64_t *)&slot->parent_stamp;
    const char *line = strstr(text, "PPid:");
    int parent = line ? (int)strtol(line + 5, NULL, 10) : 0;
    free(text);
    return parent;
}

/* The image that the slot names as the one that forked it, which may have ended long ago. */
static uint32_t ancestry_named(struct images *images, const struct wire_process *slot)
{
    uint32_t parent = *(const volatile uint32_t *)&slot->parent - 1;
    uint64_t stamp = *(const volatile uint64_t *)&slot->parent_stamp;
    if (parent < images->segment->process_n && !images->at[parent].used) {
        const struct wire_process *at = wire_process_at(images->segment->at, parent);
        if (*(const volatile uint64_t *)&at->start_stamp == stamp)
            images_get(images, parent);
    }
    int64_t known = map_find(&images->by_stamp, stamp);
    return known == MAP_NONE ? MODEL_NONE : (uint32_t)known;
}

/* Puts a process into the model that has forked others and has not said hello. */
static uint32_t ancestry_add_forker(struct images *images, int pid, uint32_t parent,
                                    uint64_t start_ns)
{
    const struct model_process *from = &images->model->processes.at[parent];
    const struct model_process process = {.pid = (uint32_t)pid,
                                          .parent = parent,
                                          .start_ns = start_ns,
                                          .exe = from->exe,
                                          .command = from->command,
                                          .strategy = from->strategy};
    const struct images_forker forker = {feed_process_begin(images->model, &process), pid};
    if (forker.process == MODEL_NONE)
        return parent;
    journal_event(images->journal, &(struct events_event){.kind = EVENTS_PROCESS_BEGIN,
                                                          .process = forker.process,
                                                          .at_ns = start_ns});
    (void)VEC_PUSH(&images->forkers, ANCESTRY_FORKERS_MAX, forker);
    return forker.process;
}

/* The process that forked this one: it, or the image that it is a copy of, was named. */
static uint32_t ancestry_forker(struct images *images, const struct image *image,
                                const struct wire_process *slot, uint64_t start_ns)
{
    uint32_t named = ancestry_named(images, slot);
    if (named == MODEL_NONE)
        return MODEL_NONE;
    int pid = ancestry_parent_pid(image->pid, slot);
    if (pid <= 1 || images->model->processes.at[named].pid == (uint32_t)pid)
        return named;
    ancestry_get_unseen(images, pid, start_ns);
    uint32_t known = ancestry_at(images, pid, start_ns, 0);
    if (known != MODEL_NONE &&
        images->model->processes.at[known].start_ns >= images->model->processes.at[named].start_ns)
        return known;
    /* An orphan has another parent, who is no part of the session; nor is a number of elsewhere. */
    bool ours = images->forkers.n < ANCESTRY_FORKERS_MAX && images_maps_segment(images, pid) &&
                images_maps_segment(images, image->pid);
    return ours ? ancestry_add_forker(images, pid, named, start_ns) : named;
}

/* True unless the number may be one of another pid namespace. */
static bool ancestry_is_host(const struct images *images, int pid)
{
    char path[64];
    struct stat info;
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    bool is_nobodys = stat(path, &info) != 0 && (errno == ENOENT || errno == ESRCH);
    return images_maps_segment(images, pid) || (is_nobodys && !images->has_inner);
}

/*
 * Ends the process that had the image's number before as replaced. Of one that was seen to end the
 * number may mean another process, if it is not of our own pid namespace.
 */
static bool ancestry_replace(struct images *images, const struct image *image, uint32_t before)
{
    struct image *replaced = ancestry_image(images, before);
    struct model_process *known = &images->model->processes.at[before];
    if (!(replaced && !replaced->gone) && !ancestry_is_host(images, image->pid))
        return false;
    if (replaced) {
        replaced->execed = true;
    } else {
        known->end = PROCESS_EXECED;
        known->status = 0;
    }
    return true;
}

uint32_t ancestry_parent(struct images *images, const struct image *image,
                         struct model_process *process)
{
    const struct wire_process *slot = wire_process_at(images->segment->at, image->slot);
    if (atomic_load(&slot->flags) & WIRE_PROCESS_FORKED) {
        uint32_t forker = ancestry_forker(images, image, slot, process->start_ns);
        if (forker != MODEL_NONE)
            return forker;
    } else {
        uint32_t before = ancestry_at(images, image->pid, process->start_ns, ANCESTRY_REPLACED_NS);
        if (before != MODEL_NONE && ancestry_replace(images, image, before)) {
            process->is_exec = 1;
            return before;
        }
    }
    int pid = ancestry_parent_pid(image->pid, slot);
    if (pid <= 0)
        return MODEL_NONE;
    ancestry_get_unseen(images, pid, process->start_ns);
    return ancestry_at(images, pid, process->start_ns, 0);
}

uint32_t ancestry_take_forker(struct images *images, const struct model_process *process,
                              bool forked)
{
    for (size_t i = 0; forked && i < images->forkers.n; i++) {
        const struct images_forker forker = images->forkers.at[i];
        if (forker.pid == (int)process->pid) {
            images->forkers.at[i] = images->forkers.at[--images->forkers.n];
            return forker.process;
        }
    }
    return MODEL_NONE;
}

void ancestry_look(struct images *images, bool ended)
{
    for (size_t i = 0; i < images->forkers.n;) {
        const struct images_forker forker = images->forkers.at[i];
        if (!ended && (kill(forker.pid, 0) == 0 || errno != ESRCH)) {
            i++;
            continue;
        }
        images->forkers.at[i] = images->forkers.at[--images->forkers.n];
        uint64_t now_ns = ticks_to_ns(&images->ticks, segment_now(images->segment));
        struct model_process *process = &images->model->processes.at[forker.process];
        feed_process_end(images->model, forker.process, PROCESS_LOST, 0, process->start_ns);
        process->end_ns = now_ns;
        journal_event(images->journal, &(struct events_event){.kind = EVENTS_PROCESS_END,
                                                              .process = forker.process,
                                                              .size_bytes = PROCESS_LOST,
                                                              .at_ns = now_ns});
    }
}
