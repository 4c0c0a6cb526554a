/* SPDX-License-Identifier: Apache-2.0 */
/* Thread numbers are looked up in /proc; those of an inner namespace in a list that is renewed. */
#include "collect/image_threads.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum {
    THREADS_LIST_NS = 20000000, /* least time between two looks at all threads of an image */
    THREADS_LIST_SHARE = 20,    /* nor may they take more than this part of the time */
};

/* Lists the threads of an inner namespace by both of their numbers. */
static void threads_list(struct images *images, struct image *image)
{
    char path[64 + 256];
    uint64_t began = segment_now(images->segment);
    map_done(&image->hosts);
    snprintf(path, sizeof path, "/proc/%d/task", image->pid);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/status", image->pid, entry->d_name);
        int inner = entry->d_name[0] != '.' ? images_inner_number(path) : 0;
        if (inner > 0)
            map_put(&image->hosts, (uint64_t)inner, (uint32_t)strtoul(entry->d_name, NULL, 10));
    }
    if (folder)
        closedir(folder);
    image->listed_at = segment_now(images->segment);
    uint64_t least = ticks_from_ns(&images->ticks, THREADS_LIST_NS);
    uint64_t share = (image->listed_at - began) * THREADS_LIST_SHARE;
    image->list_pause = share > least ? share : least;
}

/* The number of a thread in /proc; 0: it has none, -1: that is not known now. */
static int64_t thread_host(struct images *images, struct image *image, uint32_t tid)
{
    if (image->sought)
        return -1;
    if (!image->is_inner)
        return tid;
    int64_t host = map_find(&image->hosts, tid);
    if (host != MAP_NONE)
        return host;
    if (image->listed_at && segment_now(images->segment) - image->listed_at < image->list_pause)
        return -1;
    threads_list(images, image);
    host = map_find(&image->hosts, tid);
    return host != MAP_NONE ? host : 0;
}

static uint32_t thread_name(struct images *images, struct image *image, uint32_t tid)
{
    char path[64], *text;
    size_t n;
    int64_t host = thread_host(images, image, tid);
    snprintf(path, sizeof path, "/proc/%d/task/%u/comm", image->pid, (uint32_t)host);
    if (host <= 0 || file_read_all(path, 256, &text, &n, NULL) < 0)
        return 0;
    if (n && text[n - 1] == '\n')
        n--;
    uint32_t name = model_string_add(images->model, text, n);
    free(text);
    return name == MODEL_NONE ? 0 : name;
}

uint32_t image_thread_known(const struct image *image, uint32_t tid)
{
    int64_t known = map_find(&image->threads, tid);
    return known == MAP_NONE ? MODEL_NONE : (uint32_t)known;
}

uint32_t image_thread(struct images *images, struct image *image, uint32_t tid, uint64_t at_ns)
{
    uint32_t known = image_thread_known(image, tid);
    if (known != MODEL_NONE)
        return known;
    struct model_thread thread = {
            .process = image->process,
            .tid = tid,
            .name = thread_name(images, image, tid),
            .start_ns = at_ns,
    };
    uint32_t index = feed_thread_begin(images->model, &thread);
    journal_event(images->journal, &(struct events_event){.kind = EVENTS_THREAD_BEGIN,
                                                          .process = image->process,
                                                          .thread = index,
                                                          .at_ns = at_ns});
    if (index != MODEL_NONE)
        map_put(&image->threads, tid, index);
    return index;
}

bool image_thread_lives(struct images *images, struct image *image, uint32_t tid)
{
    char path[64];
    int64_t host = thread_host(images, image, tid);
    if (host <= 0)
        return host < 0;
    snprintf(path, sizeof path, "/proc/%d/task/%u", image->pid, (uint32_t)host);
    /* Whatever else keeps us from looking says nothing about the thread. */
    return access(path, F_OK) == 0 || (errno != ENOENT && errno != ESRCH);
}

void image_thread_forget(struct image *image, uint32_t tid)
{
    map_put(&image->threads, tid, MODEL_NONE);
}

void image_threads_name(struct images *images, struct image *image)
{
    struct model *model = images->model;
    for (size_t i = 0; image->threads.slots && i <= image->threads.mask; i++) {
        const struct map_slot *slot = &image->threads.slots[i];
        if (!slot->used || slot->value >= model->threads.n)
            continue;
        uint32_t name = thread_name(images, image, (uint32_t)slot->key);
        if (name)
            model->threads.at[slot->value].name = name;
    }
}
