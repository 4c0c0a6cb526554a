/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc tells of a process is read when it says hello, while it surely lives. */
#include "collect/images.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "collect/ancestry.h"
#include "collect/image_threads.h"
#include "collect/task_names.h"

enum {
    IMAGES_COMMAND_MAX = 64 << 10,
    IMAGES_MAPS_MAX = 64 << 20,
    IMAGES_INNER_MAX = 1 << 16,
    IMAGES_LOOK_NS = 20000000, /* between looks at all processes */
};

int images_init(struct images *images, struct model *model, struct segment *segment,
                const struct stacks_sink *sink, struct journal *journal)
{
    *images =
            (struct images){.model = model, .segment = segment, .sink = *sink, .journal = journal};
    ticks_init(&images->ticks);
    images->at = calloc(segment->process_n, sizeof *images->at);
    return images->at ? 0 : ERR_MEMORY;
}

static void image_done(struct image *image)
{
    if (image->pidfd >= 0)
        close(image->pidfd);
    stacks_done(&image->stacks);
    map_done(&image->threads);
    map_done(&image->hosts);
    tasks_done(&image->tasks);
    *image = (struct image){0};
}

void images_done(struct images *images)
{
    for (uint32_t i = 0; images->at && i < images->segment->process_n; i++) {
        if (images->at[i].used)
            image_done(&images->at[i]);
    }
    free(images->at);
    vec_done(&images->inner);
    vec_done(&images->forkers);
    map_done(&images->by_stamp);
}

/* The arguments of pid, joined by blanks; redacted: the first alone. */
static uint32_t images_command(struct model *model, int pid, bool redacted)
{
    char path[64], *text;
    size_t n;
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    if (file_read_all(path, IMAGES_COMMAND_MAX, &text, &n, NULL) < 0)
        return 0;
    while (n && text[n - 1] == 0)
        n--;
    if (redacted)
        n = strnlen(text, n);
    for (size_t i = 0; i < n; i++) {
        if (text[i] == 0)
            text[i] = ' ';
    }
    uint32_t command = model_string_add(model, text, n);
    free(text);
    return command == MODEL_NONE ? 0 : command;
}

static uint32_t images_executable(struct model *model, int pid)
{
    char path[64], name[4096];
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    ssize_t n = readlink(path, name, sizeof name);
    uint32_t exe = n > 0 ? model_string_add(model, name, (size_t)n) : 0;
    return exe == MODEL_NONE ? 0 : exe;
}

static bool images_begin(struct images *images, struct image *image, struct wire_process *slot)
{
    uint32_t flags = atomic_load(&slot->flags);
    struct model_process process = {
            .pid = (uint32_t)image->pid,
            .start_ns = ticks_to_ns(&images->ticks, *(volatile uint64_t *)&slot->start_stamp),
    };
    process.parent = ancestry_parent(images, image, &process);
    /* Until /proc tells more, which it does not of those that are gone already. */
    char name[WIRE_PROCESS_NAME];
    memcpy(name, slot->name, sizeof name);
    uint32_t exe = model_string_add(images->model, name, strnlen(name, sizeof name));
    process.exe = exe == MODEL_NONE ? 0 : exe;
    image->passed = flags & WIRE_PROCESS_PASSED;
    if (image->passed) {
        uint32_t text = model_string_add(images->model, "passed over", strlen("passed over"));
        process.strategy = text == MODEL_NONE ? 0 : text;
    }
    image->process = ancestry_take_forker(images, &process, flags & WIRE_PROCESS_FORKED);
    if (image->process == MODEL_NONE) {
        image->process = feed_process_begin(images->model, &process);
        journal_event(images->journal, &(struct events_event){.kind = EVENTS_PROCESS_BEGIN,
                                                              .process = image->process,
                                                              .at_ns = process.start_ns});
    }
    if (image->process != MODEL_NONE)
        map_put(&images->by_stamp, *(volatile uint64_t *)&slot->start_stamp, image->process);
    tasks_init(&image->tasks, images->model, images->journal, image->process, &images->ticks,
               images->segment->at->config.monitor ? 1 : WIRE_POLLS_TIMED);
    return image->process != MODEL_NONE;
}

bool images_maps_segment(const struct images *images, int pid)
{
    char path[64], *text, inode[32];
    size_t n;
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    if (file_read_all(path, IMAGES_MAPS_MAX, &text, &n, NULL) < 0)
        return false;
    snprintf(inode, sizeof inode, " %llu ", (unsigned long long)images->segment->inode);
    bool maps = false;
    for (const char *line = strstr(text, "/memfd:memscope"); line && !maps;
         line = strstr(line + 1, "/memfd:memscope")) {
        const char *start = line;
        while (start > text && start[-1] != '\n')
            start--;
        const char *found = strstr(start, inode);
        maps = found && found < line;
    }
    free(text);
    return maps;
}

int images_inner_number(const char *path)
{
    char *text;
    size_t n;
    if (file_read_all(path, 64 << 10, &text, &n, NULL) < 0)
        return 0;
    const char *line = strstr(text, "NSpid:");
    int inner = 0, levels = 0;
    while (line && *line && *line != '\n') {
        line += strcspn(line, "0123456789\n");
        if (!*line || *line == '\n')
            break;
        inner = (int)strtol(line, (char **)&line, 10);
        levels++;
    }
    free(text);
    return levels > 1 ? inner : 0;
}

/* Lists the processes of other pid namespaces. */
static void images_look(struct images *images)
{
    images->looked_at = segment_now(images->segment);
    images->inner.n = 0;
    DIR *folder = opendir("/proc");
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        int host = (int)strtol(entry->d_name, NULL, 10);
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/status", host);
        int inner = host > 0 ? images_inner_number(path) : 0;
        struct images_inner found = {inner, host};
        if (inner && !VEC_PUSH(&images->inner, IMAGES_INNER_MAX, found))
            break;
    }
    if (folder)
        closedir(folder);
}

/* Keeps the name of an image that is passed over, for whoever wonders. */
static void images_name_passed(struct images *images, const struct image *image)
{
    if (!image->passed)
        return;
    const struct model_process *process = &images->model->processes.at[image->process];
    const char *name = wire_base_name(model_string_at(images->model, process->exe));
    size_t n = strlen(name), used = strlen(images->passed);
    for (const char *at = images->passed; (at = strstr(at, name)); at += n) {
        bool begins = at == images->passed || at[-1] == ' ';
        if (begins && (!at[n] || at[n] == ','))
            return;
    }
    if (n && used + n + 3 <= sizeof images->passed)
        snprintf(images->passed + used, sizeof images->passed - used, "%s%s", used ? ", " : "",
                 name);
}

/* True when the image calls itself so, as far as there is room for its name. */
static bool images_is_called(const struct wire_process *slot, const char *exe)
{
    return strncmp(slot->name, wire_base_name(exe), sizeof slot->name) == 0;
}

/* True when the process is another image by now: then /proc has told of that one, as `exe`. */
static bool images_was_replaced(const struct images *images, const struct image *image, int pid,
                                uint32_t exe)
{
    const struct wire_process *slot = wire_process_at(images->segment->at, image->slot);
    bool is_called = images_is_called(slot, model_string_at(images->model, exe));
    uint32_t own = *(const volatile uint32_t *)&slot->pid;
    uint64_t start = *(const volatile uint64_t *)&slot->start_stamp;
    for (uint32_t i = 0; i < images->segment->process_n; i++) {
        const struct wire_process *other = wire_process_at(images->segment->at, i);
        uint32_t state = atomic_load_explicit(&other->state, memory_order_acquire);
        /* Whose it will be cannot be told yet; sh, which is dash, is another matter. */
        if (state == WIRE_PROCESS_CLAIMED && !is_called)
            return true;
        if (state == WIRE_PROCESS_LIVE && *(const volatile uint32_t *)&other->pid == own &&
            *(const volatile uint64_t *)&other->start_stamp > start)
            return true;
    }
    return !images_maps_segment(images, pid); /* it has not said hello yet */
}

/* The image's process is known: watches it, and reads what /proc tells. */
static void images_found(struct images *images, struct image *image, int pid)
{
    image->sought = false;
    image->is_inner = pid != image->pid;
    images->has_inner |= image->is_inner;
    image->pid = pid;
    image->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    image->dead = image->pidfd < 0 && errno == ESRCH;
    image->stacks.pid = pid;
    struct model_process *process = &images->model->processes.at[image->process];
    uint32_t exe = images_executable(images->model, pid);
    uint32_t command = images_command(images->model, pid, images->redact);
    if (exe && !images_was_replaced(images, image, pid, exe)) {
        process->exe = exe;
        process->command = command;
    }
    images_name_passed(images, image);
}

/* Whether the image is the command's own process, as its number and its parent's tell. */
static bool images_is_root(const struct images *images, int inner, const struct wire_process *slot)
{
    if (!images->root_pid || inner != images->root_pid ||
        atomic_load(&slot->flags) & WIRE_PROCESS_FORKED)
        return false;
    int parent = (int)*(const volatile uint64_t *)&slot->parent_stamp;
    return !images->root_parent || parent == images->root_parent;
}

/*
 * Seeks the process of an image: the one with the number that it has itself, if that has our
 * segment or is the command's; else one of another namespace, if a look since its start has found
 * one; else it is dead.
 */
static void images_seek(struct images *images, struct image *image, int inner)
{
    const struct wire_process *slot = wire_process_at(images->segment->at, image->slot);
    if (images_maps_segment(images, inner) || images_is_root(images, inner, slot)) {
        images_found(images, image, inner);
        return;
    }
    /* Its own stamp may be any: then a look since we have seen it decides. */
    if (images->looked_at <= *(const volatile uint64_t *)&slot->start_stamp &&
        images->looked_at <= image->sought_since)
        return;
    for (size_t i = 0; i < images->inner.n; i++) {
        const struct images_inner *known = &images->inner.at[i];
        if (known->inner == inner && images_maps_segment(images, known->host)) {
            images_found(images, image, known->host);
            return;
        }
    }
    image->sought = false;
    image->dead = true;
    images_name_passed(images, image);
}

/*
 * Sees to the images that this one has replaced before to itself: those that wrote nothing may not
 * have been seen yet, and would be taken for its successors.
 */
static void images_get_earlier(struct images *images, const struct image *image,
                               const struct wire_process *at)
{
    uint64_t start = *(const volatile uint64_t *)&at->start_stamp;
    for (uint32_t i = 0; i < images->segment->process_n; i++) {
        const struct wire_process *other = wire_process_at(images->segment->at, i);
        if (!images->at[i].used && !images->at[i].begins &&
            atomic_load_explicit(&other->state, memory_order_acquire) == WIRE_PROCESS_LIVE &&
            (int)*(const volatile uint32_t *)&other->pid == image->pid &&
            *(const volatile uint64_t *)&other->start_stamp < start)
            images_get(images, i);
    }
}

struct image *images_get(struct images *images, uint32_t slot)
{
    if (slot >= images->segment->process_n)
        return NULL;
    struct image *image = &images->at[slot];
    if (image->used || image->begins)
        return image->used ? image : NULL;
    struct wire_process *at = wire_process_at(images->segment->at, slot);
    /* Acquire: pairs with the release of the process that filled the slot. */
    if (atomic_load_explicit(&at->state, memory_order_acquire) != WIRE_PROCESS_LIVE)
        return NULL;
    image->slot = slot;
    image->pid = (int)*(volatile uint32_t *)&at->pid;
    image->pidfd = -1;
    image->sought = true;
    image->sought_since = segment_now(images->segment);
    image->begins = true;
    images_get_earlier(images, image, at);
    stacks_init(&image->stacks, images->model, image->pid, &images->sink);
    if (!images_begin(images, image, at)) {
        image_done(image);
        return NULL;
    }
    images_seek(images, image, image->pid);
    image->begins = false;
    image->used = true;
    images->live_n++;
    if (image->passed)
        images->passed_n++;
    else
        images->seen_n++;
    return image;
}

void images_scan(struct images *images)
{
    uint64_t pause = ticks_from_ns(&images->ticks, IMAGES_LOOK_NS);
    bool sought = false;
    for (uint32_t i = 0; i < images->segment->process_n; i++) {
        struct image *image = images_get(images, i);
        sought = sought || (image && image->sought);
        /* Where no pidfd is to be had its number alone tells that it has ended. */
        if (image && image->pidfd < 0 && !image->sought && !image->gone && !image->dead)
            image->dead = kill(image->pid, 0) < 0 && errno == ESRCH;
    }
    execs_look(&images->execs, images, false);
    ancestry_look(images, false);
    if (!sought || segment_now(images->segment) - images->looked_at < pause)
        return;
    images_look(images);
    for (uint32_t i = 0; i < images->segment->process_n; i++) {
        if (images->at[i].used && images->at[i].sought)
            images_seek(images, &images->at[i], images->at[i].pid);
    }
}

bool images_any_runs(const struct images *images)
{
    for (uint32_t i = 0; i < images->segment->process_n; i++) {
        const struct image *image = &images->at[i];
        struct pollfd ended = {.fd = image->pidfd, .events = POLLIN};
        if (image->used && !image->gone && !image->dead && !image->sought &&
            (image->pidfd < 0 || poll(&ended, 1, 0) == 0))
            return true;
    }
    return false;
}

uint32_t images_watch(struct images *images, struct pollfd *ret_watched, struct image **ret_image,
                      size_t most)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < images->segment->process_n && n < most; i++) {
        struct image *image = &images->at[i];
        if (!image->used || image->gone || image->pidfd < 0)
            continue;
        ret_image[n] = image;
        ret_watched[n++] = (struct pollfd){.fd = image->pidfd, .events = POLLIN};
    }
    return n;
}

bool images_has(const struct images *images, int pid)
{
    for (uint32_t i = 0; i < images->segment->process_n; i++) {
        if (images->at[i].used && images->at[i].pid == pid)
            return true;
    }
    return false;
}

bool images_any_gone(const struct images *images)
{
    for (uint32_t i = 0; i < images->segment->process_n; i++) {
        if (images->at[i].used && images->at[i].gone)
            return true;
    }
    return false;
}

int images_live_pid(const struct images *images)
{
    for (uint32_t i = 0; i < images->segment->process_n; i++) {
        const struct image *image = &images->at[i];
        if (image->used && !image->gone && !image->sought)
            return image->pid;
    }
    return 0;
}

void images_slow_scan(struct images *images)
{
    for (uint32_t i = 0; i < images->segment->process_n; i++) {
        struct image *image = &images->at[i];
        if (image->used && !image->gone)
            image_threads_name(images, image);
    }
}

uint64_t images_lost(const struct images *images, const struct image *image)
{
    return atomic_load(&wire_process_at(images->segment->at, image->slot)->lost_n);
}

void images_free_memory(const struct images *images, const struct image *image)
{
    struct wire_segment *segment = images->segment->at;
    struct wire_process *slot = wire_process_at(segment, image->slot);
    uint64_t private_bytes = atomic_exchange(&slot->private_bytes, 0);
    uint64_t all = atomic_load(&segment->private_bytes);
    atomic_fetch_sub(&segment->private_bytes, private_bytes < all ? private_bytes : all);
}

void images_finish(struct images *images, struct image *image, enum process_end end, int status,
                   uint64_t at_ns)
{
    if (image->sought)
        images_name_passed(images, image);
    task_names_from_code(&image->tasks, &image->stacks);
    tasks_set_facts(&image->tasks);
    feed_process_end(images->model, image->process, end, status, at_ns);
    journal_event(images->journal, &(struct events_event){.kind = EVENTS_PROCESS_END,
                                                          .process = image->process,
                                                          .size_bytes = end,
                                                          .node = (uint32_t)status,
                                                          .at_ns = at_ns});
    images_free_memory(images, image);
    struct wire_process *slot = wire_process_at(images->segment->at, image->slot);
    image_done(image);
    images->live_n--;
    memset((char *)slot + sizeof slot->state, 0, sizeof *slot - sizeof slot->state);
    /* Release: pairs with the claim of the next process. */
    atomic_store_explicit(&slot->state, WIRE_PROCESS_FREE, memory_order_release);
}
