/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry stays only if its exec came to pass, but between the entry and a failure lies a moment.
 * So an image is believed in when its process runs the file that was named, or is gone: then at
 * the look after, since an image that said hello and ended meanwhile is known by then. One that
 * fits and says no hello is judged by its end alone: it may still be on its way.
 */
#include "collect/execs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "collect/images.h"

static const char *const execs_reasons[WIRE_UNFITS] = {
        [WIRE_FITS] = "no access to the session, or it ended before it got there",
        [WIRE_UNFIT_UNREADABLE] = "its file cannot be read",
        [WIRE_UNFIT_STATIC] = "statically linked",
        [WIRE_UNFIT_FOREIGN] = "built for another architecture",
        [WIRE_UNFIT_OTHER_LIBC] = "its C library is not glibc",
        [WIRE_UNFIT_SET_ID] = "changes its privileges at start",
        [WIRE_UNFIT_LIBRARY] = "memscope's library is not there in its file system",
};

const char *execs_reason(uint32_t why)
{
    return execs_reasons[why < WIRE_UNFITS ? why : WIRE_UNFIT_UNREADABLE];
}

/* The image of the slot in which the entry was written, while it still is that one. */
static struct image *execs_image(struct images *images, const struct wire_exec *entry)
{
    if (entry->slot >= images->segment->process_n || !images->at[entry->slot].used)
        return NULL;
    const struct wire_process *slot = wire_process_at(images->segment->at, entry->slot);
    bool same = *(const volatile uint64_t *)&slot->start_stamp <= entry->stamp;
    return same ? &images->at[entry->slot] : NULL;
}

static void execs_begin(struct execs_entry *known, struct images *images,
                        const struct wire_exec *entry)
{
    *known = (struct execs_entry){
            .stamp = entry->stamp, .parent = MODEL_NONE, .host = (int)entry->pid};
    struct image *image = execs_image(images, entry);
    if (!image)
        return;
    const struct wire_process *slot = wire_process_at(images->segment->at, entry->slot);
    uint32_t own = *(const volatile uint32_t *)&slot->pid;
    known->parent = image->process;
    known->itself = own == entry->pid;
    if (known->itself)
        known->host = image->pid;
    else if ((int)own != image->pid)
        known->host = 0;
}

/* Whether an image of that process was seen that began after the entry was written. */
static bool execs_said_hello(const struct images *images, const struct wire_exec *entry,
                             const struct execs_entry *known)
{
    enum { SLACK_NS = 1000000000 }; /* images are seen nearly in the order of their beginnings */
    const struct model *model = images->model;
    uint64_t at_ns = ticks_to_ns(&images->ticks, entry->stamp);
    for (size_t i = model->processes.n; i-- > 0;) {
        struct model_process *process = &model->processes.at[i];
        if (process->start_ns + SLACK_NS < at_ns)
            return false;
        if (process->start_ns >= at_ns &&
            (process->pid == entry->pid ||
             (known->host && process->pid == (uint32_t)known->host))) {
            if (process->parent == MODEL_NONE && known->parent < i)
                process->parent = known->parent; /* the kernel did not know any more */
            return true;
        }
    }
    return false;
}

/* Whether the process runs the file. *ret_gone: there is no such process any more. */
static bool execs_runs(const struct execs_entry *known, const struct wire_exec *entry,
                       bool *ret_gone)
{
    char path[64];
    struct stat info;
    *ret_gone = false;
    if (!known->host)
        return false;
    snprintf(path, sizeof path, "/proc/%d/exe", known->host);
    if (stat(path, &info) != 0) {
        *ret_gone = errno == ENOENT || errno == ESRCH;
        return false;
    }
    return info.st_dev == entry->device && info.st_ino == entry->inode;
}

/* What ended was the image that came last: how it did is known of its predecessor. */
static void execs_hand_on_end(struct model *model, uint32_t from, uint32_t to)
{
    struct model_process *before = &model->processes.at[from], *after = &model->processes.at[to];
    if (before->end == PROCESS_RUNNING || before->end == PROCESS_EXECED)
        return;
    after->end = before->end;
    after->status = before->status;
    after->end_ns = before->end_ns;
    before->end = PROCESS_EXECED;
    before->status = 0;
    before->end_ns = after->start_ns;
}

/* Adds "name (reason)", once. */
static void execs_add_name(struct execs *execs, const char *name, const char *reason)
{
    char text[WIRE_EXEC_NAME + 80];
    snprintf(text, sizeof text, "%s (%s)", name, reason);
    size_t used = strlen(execs->names);
    if (!strstr(execs->names, text) && used + strlen(text) + 3 <= sizeof execs->names)
        snprintf(execs->names + used, sizeof execs->names - used, "%s%s", used ? ", " : "", text);
}

static uint32_t execs_string(struct images *images, const char *text)
{
    uint32_t string = model_string_add(images->model, text, strlen(text));
    return string == MODEL_NONE ? 0 : string;
}

static void execs_list(struct execs *execs, struct images *images, const struct wire_exec *entry,
                       const struct execs_entry *known)
{
    char name[WIRE_EXEC_NAME + 1] = "", why[96];
    memcpy(name, entry->name, sizeof entry->name);
    const char *reason = execs_reason(entry->why);
    struct image *image = known->itself ? execs_image(images, entry) : NULL;
    if (image)
        image->execed = true;
    execs->unrecorded_n++;
    execs_add_name(execs, name, reason);
    if (execs->unrecorded_n > EXECS_LISTED_MAX)
        return;
    snprintf(why, sizeof why, "not recorded: %s", reason);
    struct model_process process = {
            .pid = known->host ? (uint32_t)known->host : entry->pid,
            .parent = known->parent,
            .is_exec = known->itself,
            .exe = execs_string(images, name),
            .strategy = execs_string(images, why),
            .start_ns = ticks_to_ns(&images->ticks, entry->stamp),
    };
    uint32_t index = feed_process_begin(images->model, &process);
    if (index == MODEL_NONE)
        return;
    journal_event(images->journal, &(struct events_event){.kind = EVENTS_PROCESS_BEGIN,
                                                          .process = index,
                                                          .at_ns = process.start_ns});
    feed_process_end(images->model, index, PROCESS_LOST, 0, process.start_ns);
    images->model->processes.at[index].end_ns = 0; /* nobody watches it */
    if (known->itself && known->parent != MODEL_NONE)
        execs_hand_on_end(images->model, known->parent, index);
    journal_event(images->journal, &(struct events_event){.kind = EVENTS_PROCESS_END,
                                                          .process = index,
                                                          .size_bytes = PROCESS_LOST,
                                                          .at_ns = process.start_ns});
}

/* Looks at an entry whose exec has begun. True: all is known of it. */
static bool execs_look_at(struct execs *execs, struct images *images, const struct wire_exec *entry,
                          struct execs_entry *known, bool ended)
{
    if (known->stamp != entry->stamp)
        execs_begin(known, images, entry);
    if (execs_said_hello(images, entry, known))
        return true;
    bool was_gone = known->gone;
    bool runs = execs_runs(known, entry, &known->gone);
    if (!(entry->why != WIRE_FITS && runs) && !(was_gone && known->gone) && !ended)
        return false;
    execs_list(execs, images, entry, known);
    return true;
}

void execs_look(struct execs *execs, struct images *images, bool ended)
{
    for (uint32_t i = 0; i < WIRE_EXECS; i++) {
        struct wire_exec *at = wire_exec_at(images->segment->at, i);
        /* Acquire: pairs with the release of whoever filled the entry. */
        uint32_t state = atomic_load_explicit(&at->state, memory_order_acquire);
        if (state != WIRE_EXEC_BEGUN && state != WIRE_EXEC_SPAWNING)
            continue;
        struct wire_exec entry;
        memcpy((char *)&entry + sizeof entry.state, (const char *)at + sizeof at->state,
               sizeof entry - sizeof entry.state);
        bool done = state == WIRE_EXEC_BEGUN
                            ? execs_look_at(execs, images, &entry, &execs->at[i], ended)
                            : !execs_image(images, &entry); /* its writer died within the call */
        if (done && !ended) {
            execs->at[i] = (struct execs_entry){0};
            /* Release: whoever claims it next writes behind our copy. */
            atomic_store_explicit(&at->state, WIRE_EXEC_FREE, memory_order_release);
        }
    }
}

bool execs_awaited(const struct images *images)
{
    enum { HELLO_NS = 500000000 }; /* from exec to hello, on a busy machine */
    uint64_t now = segment_now(images->segment);
    for (uint32_t i = 0; i < WIRE_EXECS; i++) {
        const struct wire_exec *at = wire_exec_at(images->segment->at, i);
        uint64_t stamp = *(const volatile uint64_t *)&at->stamp;
        if (atomic_load_explicit(&at->state, memory_order_acquire) == WIRE_EXEC_BEGUN &&
            *(const volatile uint32_t *)&at->why == WIRE_FITS && !images->execs.at[i].gone &&
            stamp <= now && ticks_to_ns(&images->ticks, now - stamp) < HELLO_NS)
            return true;
    }
    return false;
}

void execs_root_ended(struct model *model, uint32_t pid, enum process_end end, int status)
{
    for (size_t i = model->processes.n; i-- > 0;) {
        struct model_process *process = &model->processes.at[i];
        if (process->pid != pid)
            continue;
        if (process->is_exec && process->end == PROCESS_LOST) {
            process->end = end;
            process->status = status;
            process->end_ns = model->end_ns;
        }
        return;
    }
}

uint64_t execs_unrecorded(const struct execs *execs, const struct images *images)
{
    return execs->unrecorded_n + atomic_load(&images->segment->at->unnamed_exec_n);
}
