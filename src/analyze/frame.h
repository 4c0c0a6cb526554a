/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of a stack as people see them: innermost first, inlined functions as frames. */
#ifndef MEMSCOPE_ANALYZE_FRAME_H
#define MEMSCOPE_ANALYZE_FRAME_H

#include "base/text.h"
#include "heap/model.h"

struct frame {
    uint32_t function; /* string; 0 = unknown */
    uint32_t file;     /* string; 0 = unknown */
    uint32_t line;
    uint32_t module;
    uint32_t node;
    uint64_t offset;
    bool inlined;
    bool guessed;
};

struct frame_walk {
    const struct model *model;
    uint32_t node;   /* the next frame's; 0 = at the root */
    uint32_t symbol; /* place among the symbols of its location */
};

void frame_walk_begin(struct frame_walk *ret_walk, const struct model *model, uint32_t node);

/* The next frame towards the root, or false. Ends on any table, however damaged. */
bool frame_walk_next(struct frame_walk *walk, struct frame *ret_frame);

/* Appends the function's full name, or "module+0xoffset" when it is unknown. */
void frame_add_name(struct text *text, const struct model *model, const struct frame *frame);

/* Appends "file.c:12", or the module's file name, or nothing. */
void frame_add_place(struct text *text, const struct model *model, const struct frame *frame);

/* The part of a path behind its last slash. */
const char *frame_base_name(const char *path);

#endif
