/* SPDX-License-Identifier: Apache-2.0 */
/* The symbolizer: modules opened when first asked for, addresses answered from what they have. */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "symbol/debug.h"
#include "symbol/find.h"
#include "symbol/minidebug.h"

enum {
    SYMBOLIZER_SECTION_RATIO = 200,
    SYMBOLIZER_FILES = 4, /* main, its .gnu_debugdata, debug file, alternate debug file */
};

static const uint64_t SYMBOLIZER_SECTION_BYTES = UINT64_C(2) << 30;

/* Roles of a module's files. */
enum { FILE_MAIN, FILE_MINI, FILE_DEBUG, FILE_ALTERNATE };

/* What one module is, and once opened what it has. */
struct module {
    struct symbol_module what; /* strings and descriptor are its own */
    enum symbol_level level;
    bool is_open;
    uint32_t flags;
    struct object files[SYMBOLIZER_FILES];
    char *mini_bytes;
    struct names names;
    struct readable readable;
    struct debug *debug; /* NULL: none */
};

struct symbolizer {
    struct symbol_options options;
    struct object_limits limits;
    VEC(struct module *) modules;
    struct symbol_frame frames[SYMBOL_FRAMES_MAX];
};

struct symbolizer *symbolizer_new(const struct symbol_options *options)
{
    struct symbolizer *symbolizer = calloc(1, sizeof *symbolizer);
    if (!symbolizer)
        return NULL;
    if (options)
        symbolizer->options = *options;
    symbolizer->limits.section_bytes_max = symbolizer->options.section_bytes_max
                                                   ? symbolizer->options.section_bytes_max
                                                   : SYMBOLIZER_SECTION_BYTES;
    symbolizer->limits.section_ratio_max = symbolizer->options.section_ratio_max
                                                   ? symbolizer->options.section_ratio_max
                                                   : SYMBOLIZER_SECTION_RATIO;
    return symbolizer;
}

static void module_close(struct module *module)
{
    debug_free(module->debug);
    module->debug = NULL;
    names_done(&module->names);
    readable_done(&module->readable);
    for (size_t i = 0; i < SYMBOLIZER_FILES; i++)
        object_done(&module->files[i]);
    free(module->mini_bytes);
    module->mini_bytes = NULL;
    module->is_open = false;
}

static void module_free(struct module *module)
{
    module_close(module);
    free((char *)module->what.path);
    free((char *)module->what.open_path);
    free(module);
}

void symbolizer_free(struct symbolizer *symbolizer)
{
    if (!symbolizer)
        return;
    for (size_t i = 0; i < symbolizer->modules.n; i++)
        module_free(symbolizer->modules.at[i]);
    vec_done(&symbolizer->modules);
    free(symbolizer);
}

int symbolizer_module_add(struct symbolizer *symbolizer, const struct symbol_module *module,
                          enum symbol_level level, uint32_t *ret_module)
{
    struct module *added = calloc(1, sizeof *added);
    if (!added)
        return ERR_MEMORY;
    added->level = level;
    added->what = *module;
    added->what.path = strdup(module->path);
    added->what.open_path = module->open_path ? strdup(module->open_path) : NULL;
    bool is_whole = added->what.path && (!module->open_path || added->what.open_path);
    if (!is_whole || !VEC_PUSH(&symbolizer->modules, SYMBOL_MODULES_MAX, added)) {
        module_free(added);
        return is_whole ? ERR_LIMIT : ERR_MEMORY;
    }
    *ret_module = (uint32_t)(symbolizer->modules.n - 1);
    return 0;
}

/* Opens what there is of the module's files and sets its flags. */
static void module_open_files(struct symbolizer *symbolizer, struct module *module)
{
    struct find find = {
            .options = &symbolizer->options,
            .limits = symbolizer->limits,
            .module = &module->what,
    };
    struct object *files = module->files;
    bool has_main = find_module(&find, &files[FILE_MAIN]) == 0;
    const struct object *main = has_main ? &files[FILE_MAIN] : NULL;
    if (!main || !object_has_debug(main))
        find_debug(&find, main, &files[FILE_DEBUG]);
    const struct object *debug = files[FILE_DEBUG].elf ? &files[FILE_DEBUG] : main;
    if (debug && module->level == SYMBOL_LEVEL_FULL)
        find_alternate(&find, debug, &files[FILE_ALTERNATE]);
    module->flags = find.flags;
    if (files[FILE_DEBUG].elf)
        module->flags |= SYMBOL_SEPARATE_DEBUG;
    if (!debug)
        module->flags |= SYMBOL_MISSING;
}

/* Symbol tables: the full one of the debug file or of the module, else what a stripped one has. */
static int module_open_names(struct symbolizer *symbolizer, struct module *module)
{
    struct object *files = module->files;
    int err = 0;
    if (files[FILE_DEBUG].elf)
        err = names_add(&module->names, &files[FILE_DEBUG], false);
    if (err == 0 && files[FILE_MAIN].elf)
        err = names_add(&module->names, &files[FILE_MAIN], false);
    if (err == 0 && files[FILE_MAIN].elf && module->names.entries.n == 0) {
        if (minidebug_open(&files[FILE_MAIN], &symbolizer->limits, &files[FILE_MINI],
                           &module->mini_bytes) == 0)
            err = names_add(&module->names, &files[FILE_MINI], false);
        if (err == 0)
            err = names_add(&module->names, &files[FILE_MAIN], true);
    }
    names_finish(&module->names);
    if (module->names.entries.n)
        module->flags |= SYMBOL_HAS_TABLE;
    return err;
}

static int module_open(struct symbolizer *symbolizer, struct module *module)
{
    module->is_open = true;
    if (module->level == SYMBOL_LEVEL_NONE)
        return 0;
    module_open_files(symbolizer, module);
    int err = module_open_names(symbolizer, module);
    struct object *files = module->files;
    struct object *object = files[FILE_DEBUG].elf ? &files[FILE_DEBUG] : &files[FILE_MAIN];
    if (err < 0 || !object->elf || module->level != SYMBOL_LEVEL_FULL)
        return err;
    if (debug_open(&module->debug, object, &files[FILE_ALTERNATE]) == 0 &&
        debug_has_units(module->debug))
        module->flags |= SYMBOL_HAS_DEBUG;
    return 0;
}

static size_t module_frames(struct symbolizer *symbolizer, struct module *module, uint64_t address)
{
    struct debug_query query = {
            .readable = &module->readable,
            .names = &module->names,
            .address = address,
            .frames = symbolizer->frames,
    };
    size_t n = module->debug ? debug_frames(module->debug, &query) : 0;
    if (n)
        return n;
    const struct names_entry *entry = names_find(&module->names, address);
    const char *name = entry ? readable_name(&module->readable, entry->name) : NULL;
    if (!name)
        return 0;
    symbolizer->frames[0] = (struct symbol_frame){.function = name};
    return 1;
}

static int offset_compare(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

int symbolizer_resolve(struct symbolizer *symbolizer, uint32_t module, uint64_t *offsets, size_t n,
                       symbol_sink *sink, void *context)
{
    if (module >= symbolizer->modules.n)
        return ERR_USAGE;
    struct module *found = symbolizer->modules.at[module];
    int err = found->is_open ? 0 : module_open(symbolizer, found);
    if (err < 0)
        return err;
    if (n)
        qsort(offsets, n, sizeof *offsets, offset_compare);
    for (size_t i = 0; i < n; i++) {
        size_t frames = module_frames(symbolizer, found, offsets[i]);
        sink(context, offsets[i], symbolizer->frames, frames);
    }
    return 0;
}

uint32_t symbolizer_module_flags(const struct symbolizer *symbolizer, uint32_t module)
{
    return module < symbolizer->modules.n ? symbolizer->modules.at[module]->flags : 0;
}
