/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where debug files lie.
 *
 * A file counts only if it is the module's: by equal build-ids where the module has one, by the
 * checksum of its debuglink where it has none. Names that a hostile file gives are plain names or
 * are compared by build-id before use.
 */
#include "symbol/find.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/diag.h"
#include "symbol/debuginfod.h"

static const char FIND_SYSTEM_DEBUG[] = "/usr/lib/debug";

/* The build-id that files are compared with; *ret_n 0: none. */
static const uint8_t *find_build_id(const struct find *find, const struct object *main,
                                    size_t *ret_n)
{
    if (find->module->build_id_bytes) {
        *ret_n = find->module->build_id_bytes;
        return find->module->build_id;
    }
    *ret_n = main ? main->build_id_bytes : 0;
    return main ? main->build_id : NULL;
}

/* Opens path if its build-id is the one wanted (wanted_n 0: any). */
static int find_open(struct find *find, int fd, const char *path, const uint8_t *wanted,
                     size_t wanted_n, struct object *ret_object)
{
    struct object object;
    int err = object_open(&object, fd, path, &find->limits);
    if (err == ERR_LIMIT)
        find->flags |= SYMBOL_OVER_LIMIT;
    if (err < 0)
        return err;
    if (wanted_n &&
        (object.build_id_bytes != wanted_n || memcmp(object.build_id, wanted, wanted_n) != 0)) {
        find->flags |= SYMBOL_OTHER_FILE;
        object_done(&object);
        return ERR_MISSING;
    }
    *ret_object = object;
    return 0;
}

/* A search through folders for one file. */
struct find_search {
    const struct object *main;
    const uint8_t *build_id;
    size_t build_id_bytes;
    const char *name; /* of a debuglink or an alternate file */
    bool any;         /* also a file without debug information */
    struct object *ret_object;
};

/* Opens path if it is what the search wants. */
static int find_open_wanted(struct find *find, const struct find_search *search, const char *path)
{
    uint32_t flags = find->flags;
    int err =
            find_open(find, -1, path, search->build_id, search->build_id_bytes, search->ret_object);
    if (err < 0) {
        /* A neighbour of the same name is no sign that the module itself was replaced. */
        find->flags = flags | (find->flags & SYMBOL_OVER_LIMIT);
        return err;
    }
    bool is_main = search->main && object_is_same_file(search->ret_object, search->main);
    if (is_main || (!search->any && !object_has_debug(search->ret_object))) {
        object_done(search->ret_object);
        return ERR_MISSING;
    }
    return 0;
}

static const char *find_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/*
 * The path under which the module's own root is seen ("/proc/7/root"), appended to text; nothing
 * when the module is where it says.
 */
static void find_root(const struct find *find, struct text *text)
{
    const char *open_path = find->module->open_path;
    const char *path = find->module->path;
    if (!open_path)
        return;
    size_t open_n = strlen(open_path), n = strlen(path);
    if (n > 0 && path[0] == '/' && open_n > n && strcmp(open_path + open_n - n, path) == 0)
        text_add_n(text, open_path, open_n - n);
}

/* Visits each debug folder: the options', the system's, the system's under the module's root. */
typedef int find_folder_visit(struct find *find, const char *folder, void *context);

static int find_each_folder(struct find *find, find_folder_visit *visit, void *context)
{
    int err = ERR_MISSING;
    for (size_t i = 0; i < find->options->debug_path_n && err < 0; i++)
        err = visit(find, find->options->debug_paths[i], context);
    if (err < 0)
        err = visit(find, FIND_SYSTEM_DEBUG, context);
    struct text folder = {0};
    find_root(find, &folder);
    if (err < 0 && folder.n) {
        text_add(&folder, FIND_SYSTEM_DEBUG);
        if (!folder.failed)
            err = visit(find, folder.bytes, context);
    }
    text_done(&folder);
    return err;
}

static void find_add_build_id(struct text *path, const char *folder, const uint8_t *build_id,
                              size_t n)
{
    text_printf(path, "%s/.build-id/%02x/", folder, build_id[0]);
    for (size_t i = 1; i < n; i++)
        text_printf(path, "%02x", build_id[i]);
    text_add(path, ".debug");
}

static int find_try(struct find *find, struct find_search *search, struct text *path)
{
    int err = path->failed ? ERR_MEMORY : find_open_wanted(find, search, text_string(path));
    text_clear(path);
    return err;
}

/* FOLDER/.build-id/ab/cdef.debug */
static int find_visit_build_id(struct find *find, const char *folder, void *context)
{
    struct find_search *search = context;
    struct text path = {0};
    find_add_build_id(&path, folder, search->build_id, search->build_id_bytes);
    int err = find_try(find, search, &path);
    text_done(&path);
    return err;
}

/* FOLDER/name, FOLDER/name.debug, FOLDER/whole/path, FOLDER/whole/path.debug */
static int find_visit_copy(struct find *find, const char *folder, void *context)
{
    struct find_search *search = context;
    const char *whole = find->module->path;
    const char *forms[] = {find_base_name(whole), whole};
    struct text path = {0};
    int err = ERR_MISSING;
    for (size_t i = 0; i < 4 && err < 0; i++) {
        const char *form = forms[i / 2];
        text_printf(&path, "%s%s%s%s", folder, form[0] == '/' ? "" : "/", form,
                    i % 2 ? ".debug" : "");
        err = find_try(find, search, &path);
    }
    text_done(&path);
    return err;
}

int find_module(struct find *find, struct object *ret_object)
{
    const struct symbol_module *module = find->module;
    int err = ERR_MISSING;
    if (module->fd >= 0)
        err = find_open(find, module->fd, module->path, module->build_id, module->build_id_bytes,
                        ret_object);
    if (err < 0 && module->open_path)
        err = find_open(find, -1, module->open_path, module->build_id, module->build_id_bytes,
                        ret_object);
    if (err < 0 && module->path[0] == '/')
        err = find_open(find, -1, module->path, module->build_id, module->build_id_bytes,
                        ret_object);
    struct find_search search = {.any = true, .ret_object = ret_object};
    search.build_id = find_build_id(find, NULL, &search.build_id_bytes);
    for (size_t i = 0; i < find->options->debug_path_n && err < 0 && search.build_id_bytes; i++)
        err = find_visit_copy(find, find->options->debug_paths[i], &search);
    if (err == 0)
        find->flags &= ~(uint32_t)SYMBOL_OTHER_FILE;
    return err;
}

/* The checksum of a debuglink: CRC-32 of the whole file. */
static bool find_has_checksum(const struct object *object, uint32_t checksum)
{
    size_t n = 0;
    const uint8_t *bytes = object_bytes(object, &n);
    if (!bytes)
        return false;
    return crc32_z(crc32_z(0, NULL, 0), bytes, n) == checksum;
}

static int find_try_link(struct find *find, struct find_search *search, struct text *path,
                         uint32_t checksum)
{
    int err = find_try(find, search, path);
    if (err == 0 && search->build_id_bytes == 0 &&
        !find_has_checksum(search->ret_object, checksum)) {
        object_done(search->ret_object);
        return ERR_MISSING;
    }
    return err;
}

/* Beside the module, in .debug beside it, and in the debug folders under the module's folder. */
static int find_by_link(struct find *find, struct find_search *search)
{
    size_t n = 0;
    const char *link = (const char *)object_section_bytes(search->main, ".gnu_debuglink", &n);
    size_t name_n = link ? strnlen(link, n) : 0;
    size_t at = (name_n + 4) & ~(size_t)3;
    if (name_n == 0 || at + 4 > n || memchr(link, '/', name_n) || strcmp(link, "..") == 0)
        return ERR_MISSING;
    uint32_t checksum;
    memcpy(&checksum, link + at, sizeof checksum);
    const char *whole = find->module->path;
    int folder_n = (int)(find_base_name(whole) - whole);
    struct text root = {0}, path = {0};
    find_root(find, &root);
    int err = ERR_MISSING;
    static const char *const middles[] = {"", ".debug/"};
    for (size_t i = 0; i < 2 && err < 0; i++) {
        text_printf(&path, "%s%.*s%s%s", text_string(&root), folder_n, whole, middles[i], link);
        err = find_try_link(find, search, &path, checksum);
    }
    for (size_t i = 0; i < find->options->debug_path_n + 1 && err < 0; i++) {
        bool is_system = i == find->options->debug_path_n;
        text_printf(&path, "%s%s%.*s%s", is_system ? text_string(&root) : "",
                    is_system ? FIND_SYSTEM_DEBUG : find->options->debug_paths[i], folder_n, whole,
                    link);
        err = find_try_link(find, search, &path, checksum);
    }
    text_done(&root);
    text_done(&path);
    return err;
}

int find_debug(struct find *find, const struct object *main, struct object *ret_object)
{
    struct find_search search = {.main = main, .ret_object = ret_object};
    search.build_id = find_build_id(find, main, &search.build_id_bytes);
    int err = ERR_MISSING;
    if (search.build_id_bytes >= 2) {
        err = find_each_folder(find, find_visit_build_id, &search);
        for (size_t i = 0; i < find->options->debug_path_n && err < 0; i++)
            err = find_visit_copy(find, find->options->debug_paths[i], &search);
    }
    if (err < 0 && main)
        err = find_by_link(find, &search);
    if (err < 0 && find->options->debuginfod && search.build_id_bytes >= 2) {
        struct text path = {0};
        err = debuginfod_find(find->options, search.build_id, search.build_id_bytes, &path);
        if (err == 0)
            err = find_try(find, &search, &path);
        text_done(&path);
    }
    return err;
}

/* FOLDER/.dwz/name */
static int find_visit_dwz(struct find *find, const char *folder, void *context)
{
    struct find_search *search = context;
    struct text path = {0};
    text_printf(&path, "%s/.dwz/%s", folder, find_base_name(search->name));
    int err = find_try(find, search, &path);
    text_done(&path);
    return err;
}

int find_alternate(struct find *find, const struct object *debug, struct object *ret_object)
{
    size_t n = 0;
    const char *link = (const char *)object_section_bytes(debug, ".gnu_debugaltlink", &n);
    size_t name_n = link ? strnlen(link, n) : 0;
    if (name_n == 0 || name_n + 1 + 2 > n || n - name_n - 1 > SYMBOL_BUILD_ID_BYTES_MAX)
        return ERR_MISSING;
    struct find_search search = {
            .main = debug,
            .build_id = (const uint8_t *)link + name_n + 1,
            .build_id_bytes = n - name_n - 1,
            .name = link,
            .ret_object = ret_object,
    };
    int err = find_each_folder(find, find_visit_build_id, &search);
    struct text path = {0};
    if (err < 0) {
        /* A relative name is meant from the debug file's folder. */
        const char *from = debug->path ? debug->path : "";
        int folder_n = link[0] == '/' ? 0 : (int)(find_base_name(from) - from);
        text_printf(&path, "%.*s%s", folder_n, from, link);
        err = find_try(find, &search, &path);
    }
    if (err < 0)
        err = find_each_folder(find, find_visit_dwz, &search);
    text_done(&path);
    return err;
}
