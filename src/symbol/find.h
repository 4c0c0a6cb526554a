/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the files of a module: itself, its separate debug file, and what dwz moved out of that. */
#ifndef MEMSCOPE_SYMBOL_FIND_H
#define MEMSCOPE_SYMBOL_FIND_H

#include "symbol/object.h"

/* The module looked for, and where. */
struct find {
    const struct symbol_options *options;
    struct object_limits limits;
    const struct symbol_module *module;
    /* SYMBOL_OTHER_FILE and SYMBOL_OVER_LIMIT, as met on the way. */
    uint32_t flags;
};

/* The module itself: from its descriptor, its paths, else from the debug paths. */
int find_module(struct find *find, struct object *ret_object);

/*
 * The separate debug file of main (or of the module when main is not open): by build-id, by
 * debuglink, by debuginfod if asked. ERR_MISSING: none.
 */
int find_debug(struct find *find, const struct object *main, struct object *ret_object);

/* The file that .gnu_debugaltlink of `debug` names (made by dwz). ERR_MISSING: none. */
int find_alternate(struct find *find, const struct object *debug, struct object *ret_object);

#endif
