/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the cache: what went in comes out, and nothing that is not ours is believed. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "symbol/client_state.h"
#include "symbol/object.h"

#include "sanitizer.h"

enum { ENTRIES = 500, HEADER_BYTES = 8 + 32 + SYMBOL_BUILD_ID_BYTES_MAX + 16 };

static char root[] = "/tmp/memscope-cache-XXXXXX";
static char folder[64], module_path[64], cached_path[512];
static int folder_fd = -1;

static void put_file(const char *path, const void *bytes, size_t n, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, bytes, n), 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static int group_begin(void **state)
{
    (void)state;
    if (!mkdtemp(root))
        return -1;
    snprintf(folder, sizeof folder, "%s/folder", root);
    snprintf(module_path, sizeof module_path, "%s/module", root);
    put_file(module_path, "module", 6, 0600);
    return mkdir(folder, 0700);
}

static void empty_folder(void)
{
    DIR *entries = opendir(folder);
    struct dirent *entry;
    while (entries && (entry = readdir(entries)))
        unlinkat(dirfd(entries), entry->d_name, 0);
    if (entries)
        closedir(entries);
}

static int group_end(void **state)
{
    (void)state;
    empty_folder();
    unlink(module_path);
    rmdir(folder);
    return rmdir(root);
}

static int test_begin(void **state)
{
    (void)state;
    empty_folder();
    return cache_folder_open(folder, &folder_fd);
}

static int test_end(void **state)
{
    (void)state;
    return close(folder_fd);
}

static struct symbol_module the_module(void)
{
    return (struct symbol_module){
            .path = module_path,
            .fd = -1,
            .build_id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
            .build_id_bytes = 10,
    };
}

/* The frames that belong to entry i. */
static size_t frames_of(size_t i, char names[4][32], struct symbol_frame *frames)
{
    size_t n = i % 4;
    for (size_t k = 0; k < n; k++) {
        snprintf(names[k], sizeof names[k], "function%zu", (i + k) % 50);
        frames[k] = (struct symbol_frame){
                .function = names[k],
                .file = k % 2 ? "/src/other.c" : NULL,
                .line = (uint32_t)(i * 10 + k),
                .inlined = k + 1 < n,
        };
    }
    return n;
}

static void fill(struct cache_file *file, size_t from, size_t to)
{
    char names[4][32];
    struct symbol_frame frames[4];
    /* Not by offset: 7 and ENTRIES have no common divisor. */
    for (size_t i = from; i < to; i++) {
        size_t entry = i * 7 % ENTRIES;
        size_t n = frames_of(entry, names, frames);
        cache_file_add(file, 0x1000 + entry * 3, frames, n);
    }
}

/* How many of all entries are found; those must be right. */
static size_t check(const struct cache_file *file)
{
    char names[4][32];
    struct symbol_frame wanted[4], got[SYMBOL_FRAMES_MAX];
    size_t found_n = 0;
    for (uint64_t offset = 0xff0; offset < 0x1010 + ENTRIES * 3; offset++) {
        size_t n = 0;
        if (!cache_file_find(file, offset, got, &n))
            continue;
        assert_int_equal((offset - 0x1000) % 3, 0);
        found_n++;
        assert_int_equal(n, frames_of((offset - 0x1000) / 3, names, wanted));
        for (size_t k = 0; k < n; k++) {
            assert_string_equal(got[k].function, wanted[k].function);
            assert_int_equal(got[k].file != NULL, wanted[k].file != NULL);
            if (got[k].file)
                assert_string_equal(got[k].file, wanted[k].file);
            assert_int_equal(got[k].line, wanted[k].line);
            assert_int_equal(got[k].inlined, wanted[k].inlined);
        }
    }
    return found_n;
}

static struct cache_file *load(void)
{
    struct symbol_module module = the_module();
    struct cache_file *file = cache_file_load(folder_fd, &module);
    assert_non_null(file);
    return file;
}

/* Writes the first n entries, and notes where. */
static void store(size_t n)
{
    struct cache_file *file = load();
    fill(file, 0, n);
    assert_int_equal(cache_file_store(file, folder_fd), 0);
    cache_file_free(file);
    DIR *entries = opendir(folder);
    struct dirent *entry;
    size_t files = 0;
    while ((entry = readdir(entries))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(cached_path, sizeof cached_path, "%s/%s", folder, entry->d_name);
        files++;
    }
    closedir(entries);
    assert_int_equal(files, 1);
}

static void test_round_trip(void **state)
{
    (void)state;
    store(300);
    struct stat status;
    assert_int_equal(stat(cached_path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    struct cache_file *file = load();
    assert_int_equal(check(file), 300);
    fill(file, 200, ENTRIES);
    assert_int_equal(cache_file_store(file, folder_fd), 0);
    cache_file_free(file);
    file = load();
    assert_int_equal(check(file), ENTRIES);
    cache_file_free(file);
}

static void test_another_module(void **state)
{
    (void)state;
    store(ENTRIES);
    struct symbol_module module = the_module();
    module.build_id[9] ^= 1;
    struct cache_file *file = cache_file_load(folder_fd, &module);
    assert_int_equal(check(file), 0);
    cache_file_free(file);
    module = the_module();
    module.build_id_bytes = 0;
    assert_null(cache_file_load(folder_fd, &module));
    module = the_module();
    module.path = "/nowhere/at/all";
    assert_null(cache_file_load(folder_fd, &module));
    struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, module_path, times, 0), 0);
    file = load();
    assert_int_equal(check(file), 0);
    cache_file_free(file);
}

/* Each byte of the header changed and many of the rest, and as many lengths: nothing is found, or
 * what was written. */
static void test_damage(void **state)
{
    (void)state;
    store(40);
    char *bytes = NULL;
    size_t n = 0;
    struct diag diag = {0};
    assert_int_equal(file_read_all(cached_path, 1 << 20, &bytes, &n, &diag), 0);
    for (size_t at = 0; at < n; at += at < HEADER_BYTES ? 1 : 7) {
        bytes[at] ^= 0x41;
        put_file(cached_path, bytes, n, 0600);
        struct cache_file *file = load();
        assert_int_equal(check(file), 0);
        cache_file_free(file);
        bytes[at] ^= 0x41;
        put_file(cached_path, bytes, at, 0600);
        file = load();
        assert_int_equal(check(file), 0);
        cache_file_free(file);
    }
    free(bytes);
}

/* Damage with the checksum put right: reading stays within bounds (the sanitizers watch). */
static void test_forgery(void **state)
{
    (void)state;
    store(40);
    char *bytes = NULL;
    size_t n = 0;
    struct diag diag = {0};
    assert_int_equal(file_read_all(cached_path, 1 << 20, &bytes, &n, &diag), 0);
    uint64_t seed = 5;
    size_t accepted = 0;
    for (int round = 0; round < 1000; round++) {
        char *forged = malloc(n);
        assert_non_null(forged);
        memcpy(forged, bytes, n);
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t at = HEADER_BYTES - 16 + (seed >> 33) % (n - HEADER_BYTES + 12);
        forged[at] = (char)(seed >> 20);
        uint32_t sum = (uint32_t)crc32(0, (unsigned char *)forged + HEADER_BYTES,
                                       (uInt)(n - HEADER_BYTES));
        memcpy(forged + HEADER_BYTES - 4, &sum, sizeof sum);
        put_file(cached_path, forged, n, 0600);
        struct cache_file *file = load();
        struct symbol_frame frames[SYMBOL_FRAMES_MAX];
        size_t length = 0, frame_n = 0;
        for (uint64_t offset = 0xf00; offset < 0x1100; offset++) {
            if (!cache_file_find(file, offset, frames, &frame_n))
                continue;
            accepted++;
            for (size_t k = 0; k < frame_n; k++)
                length += frames[k].function ? strlen(frames[k].function) : 0;
        }
        assert_true(length < 1 << 24);
        cache_file_free(file);
        free(forged);
    }
    assert_true(accepted > 0);
    free(bytes);
}

static void test_not_ours(void **state)
{
    (void)state;
    store(20);
    assert_int_equal(chmod(cached_path, 0644), 0);
    struct cache_file *file = load();
    assert_int_equal(check(file), 0);
    cache_file_free(file);
    char moved[64];
    snprintf(moved, sizeof moved, "%s/moved", root);
    assert_int_equal(chmod(cached_path, 0600), 0);
    assert_int_equal(rename(cached_path, moved), 0);
    assert_int_equal(symlink(moved, cached_path), 0);
    file = load();
    assert_int_equal(check(file), 0);
    /* Writing replaces the link and leaves what it pointed to. */
    fill(file, 0, 10);
    assert_int_equal(cache_file_store(file, folder_fd), 0);
    cache_file_free(file);
    struct stat status;
    assert_int_equal(lstat(cached_path, &status), 0);
    assert_true(S_ISREG(status.st_mode));
    unlink(moved);
}

static void test_folder(void **state)
{
    (void)state;
    int fd = -1;
    assert_int_equal(cache_folder_open("/nowhere/at/all", &fd), ERR_MISSING);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(cache_folder_open(folder, &fd), ERR_DENIED);
    assert_int_equal(chmod(folder, 0700), 0);
    char link[64];
    snprintf(link, sizeof link, "%s/link", root);
    assert_int_equal(symlink(folder, link), 0);
    assert_int_equal(cache_folder_open(link, &fd), ERR_MISSING);
    unlink(link);
    char home[64], made[96];
    snprintf(home, sizeof home, "%s/xdg", root);
    assert_int_equal(setenv("XDG_CACHE_HOME", home, 1), 0);
    assert_int_equal(cache_folder_open(NULL, &fd), 0);
    close(fd);
    struct stat status;
    snprintf(made, sizeof made, "%s/memscope/symbols", home);
    assert_int_equal(stat(made, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    rmdir(made);
    snprintf(made, sizeof made, "%s/memscope", home);
    rmdir(made);
    assert_int_equal(rmdir(home), 0);
}

static void test_trim(void **state)
{
    (void)state;
    char path[96], bytes[1000] = "";
    for (int i = 0; i < 10; i++) {
        snprintf(path, sizeof path, "%s/f%d", folder, i);
        put_file(path, bytes, sizeof bytes, 0600);
        struct timespec times[2] = {{.tv_sec = 1000 + i * 37 % 10}, {.tv_sec = 1000 + i * 37 % 10}};
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    }
    cache_folder_trim(folder_fd, 4500);
    for (int i = 0; i < 10; i++) {
        snprintf(path, sizeof path, "%s/f%d", folder, i);
        assert_int_equal(access(path, F_OK) == 0, i * 37 % 10 >= 6);
    }
}

struct session {
    size_t n, lined_n;
};

static void count(void *context, uint32_t module, uint64_t offset,
                  const struct symbol_frame *frames, size_t n)
{
    (void)module;
    (void)offset;
    struct session *session = context;
    session->n++;
    session->lined_n += n && frames[0].line;
}

extern const char __executable_start[]; /* made by the linker */

/* The second session of the same program needs no helper. */
static void test_sessions(void **state)
{
    (void)state;
    struct symbol_options options = {.cache = true, .cache_folder = folder};
    struct symbol_limits limits = {.sanitizer = TEST_IS_SANITIZED};
    struct session sessions[2] = {{0}, {0}};
    struct symbol_module module = {.path = "/proc/self/exe", .fd = -1};
    struct object object;
    const struct object_limits object_limits = {1 << 30, 1000};
    assert_int_equal(object_open(&object, -1, module.path, &object_limits), 0);
    memcpy(module.build_id, object.build_id, object.build_id_bytes);
    module.build_id_bytes = object.build_id_bytes;
    object_done(&object);
    module.fd = open(module.path, O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        struct symbol_client *client = NULL;
        uint32_t index;
        assert_int_equal(symbol_client_new(&options, &limits, count, &sessions[i], &client, NULL),
                         0);
        assert_int_equal(symbol_client_module(client, &module, &index), 0);
        uint64_t first = (uintptr_t)test_damage - (uintptr_t)__executable_start;
        for (uint64_t offset = first; offset < first + 512 * 8; offset += 8)
            assert_int_equal(symbol_client_submit(client, index, &offset, 1), 0);
        assert_int_equal(symbol_client_drain(client, client_now_ns() + UINT64_C(60000000000)), 0);
        assert_int_equal(client->helper > 0, i == 0);
        assert_true(symbol_client_module_flags(client, index) & SYMBOL_HAS_DEBUG);
        symbol_client_free(client);
    }
    close(module.fd);
    assert_int_equal(sessions[0].n, 512);
    assert_true(sessions[0].lined_n > 20);
    assert_memory_equal(&sessions[0], &sessions[1], sizeof sessions[0]);
}

#define CACHE_TEST(function) cmocka_unit_test_setup_teardown(function, test_begin, test_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CACHE_TEST(test_round_trip), CACHE_TEST(test_another_module), CACHE_TEST(test_damage),
            CACHE_TEST(test_forgery),    CACHE_TEST(test_not_ours),       CACHE_TEST(test_folder),
            CACHE_TEST(test_trim),       CACHE_TEST(test_sessions),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
