/* SPDX-License-Identifier: Apache-2.0 */
/* Images that began and are not recorded, found by what was told of them before (wire/exec.h). */
#ifndef MEMSCOPE_COLLECT_EXECS_H
#define MEMSCOPE_COLLECT_EXECS_H

#include <stdbool.h>
#include <stdint.h>

#include "heap/model.h"
#include "wire/exec.h"

struct images;

enum { EXECS_NAMES_BYTES = 512, EXECS_LISTED_MAX = 4096 };

/* What is known of an entry of the segment's table from one look to the next. */
struct execs_entry {
    uint64_t stamp;  /* whose entry it is; 0 = none */
    uint32_t parent; /* process in the model; MODEL_NONE = unknown */
    int host;        /* its number here; 0 = unknown: it lives in a pid namespace of its own */
    bool itself;     /* the process that executed it became it */
    bool gone;       /* it was not there any more at the last look */
};

struct execs {
    struct execs_entry at[WIRE_EXECS];
    uint32_t unrecorded_n;         /* images that were found to be so */
    char names[EXECS_NAMES_BYTES]; /* each with its reason, once */
};

/*
 * Looks at the table, after all slots were looked at: frees entries whose image has said hello and
 * puts those that are seen not to be recorded into the model. `ended`: no image lives any more, and
 * the segment may not be written to.
 */
void execs_look(struct execs *execs, struct images *images, bool ended);

/* True while an image has just begun that may yet say hello. */
bool execs_awaited(const struct images *images);

/* The root process has ended: what it was last may have been an image that nobody watched. */
void execs_root_ended(struct model *model, uint32_t pid, enum process_end end, int status);

/* Images that are not recorded, those that found no entry included. */
uint64_t execs_unrecorded(const struct execs *execs, const struct images *images);

/* Why an image is not recorded, as it follows "not recorded: ". */
const char *execs_reason(uint32_t why);

#endif
