/* SPDX-License-Identifier: Apache-2.0 */
/* Files: replaced whole or not at all, private, never through a link; reading has a limit. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

static int folder_make(void **state)
{
    static char folder[64];
    snprintf(folder, sizeof folder, "/tmp/memscope-file-XXXXXX");
    *state = mkdtemp(folder);
    return *state && chdir(folder) == 0 ? 0 : -1;
}

static int folder_entries(const char *folder, bool remove_them)
{
    DIR *entries = opendir(folder);
    int n = 0;
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (entry->d_name[0] != '.') {
            n++;
            if (remove_them)
                assert_int_equal(unlinkat(dirfd(entries), entry->d_name, 0), 0);
        }
    }
    closedir(entries);
    return n;
}

static int folder_remove(void **state)
{
    folder_entries(*state, true);
    return chdir("/") == 0 && rmdir(*state) == 0 ? 0 : -1;
}

static void file_put(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, text, strlen(text)), 0);
    close(fd);
}

static void assert_holds(const char *name, const char *wanted)
{
    char *bytes;
    size_t n;
    struct diag diag = {0};
    assert_int_equal(file_read_all(name, 1000, &bytes, &n, &diag), 0);
    assert_int_equal(n, strlen(wanted));
    assert_string_equal(bytes, wanted);
    free(bytes);
}

static void test_commit_replaces(void **state)
{
    struct diag diag = {0};
    struct file_out out;
    file_put("a", "old");
    assert_int_equal(file_out_open(&out, "a", &diag), 0);
    assert_int_equal(file_out_write(&out, "new text", 8, &diag), 0);
    assert_holds("a", "old");
    assert_int_equal(file_out_commit(&out, &diag), 0);
    assert_holds("a", "new text");
    struct stat info;
    assert_int_equal(stat("a", &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(folder_entries(*state, false), 1);
    file_out_abandon(&out);
    assert_holds("a", "new text");
}

static void test_abandon_leaves_no_trace(void **state)
{
    struct diag diag = {0};
    struct file_out out;
    file_put("a", "old");
    assert_int_equal(file_out_open(&out, "a", &diag), 0);
    assert_int_equal(file_out_write(&out, "new", 3, &diag), 0);
    file_out_abandon(&out);
    assert_holds("a", "old");
    assert_int_equal(folder_entries(*state, false), 1);
}

/* Somebody puts a link where the temporary file would be: what it points at stays as it is. */
static void test_links_are_not_followed(void **state)
{
    (void)state;
    struct diag diag = {0};
    struct file_out out;
    file_put("victim", "precious");
    assert_int_equal(symlink("victim", "a.0.part"), 0);
    assert_int_equal(file_out_open(&out, "a", &diag), 0);
    assert_int_equal(file_out_write(&out, "x", 1, &diag), 0);
    assert_int_equal(file_out_commit(&out, &diag), 0);
    assert_holds("victim", "precious");
    assert_holds("a", "x");
}

static void test_failures_are_said(void **state)
{
    (void)state;
    struct file_out out = {.fd = 77};
    struct diag missing = {0}, folder = {0};
    assert_int_equal(file_out_open(&out, "no/such/folder/a", &missing), ERR_IO);
    assert_string_equal(missing.text, "cannot write no/such/folder/a: No such file or directory");
    assert_int_equal(file_out_open(&out, "/tmp", &folder), ERR_IO);
    assert_string_equal(folder.text, "cannot write /tmp: it is a directory");
    assert_int_equal(out.fd, 77);
}

static void test_full_disk(void **state)
{
    (void)state;
    struct diag diag = {0};
    int full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0);
    struct file_out out = {.fd = full, .name = strdup("a"), .temporary = strdup("a.0.part")};
    file_put("a", "old");
    assert_int_equal(file_out_write(&out, "x", 1, &diag), ERR_IO);
    assert_string_equal(diag.text, "cannot write a: No space left on device");
    assert_int_equal(file_out_write(&out, "y", 1, &diag), ERR_IO);
    assert_int_equal(file_out_commit(&out, &diag), ERR_IO);
    assert_holds("a", "old");
}

static void test_new_files_count_up(void **state)
{
    struct diag diag = {0};
    char *name[3];
    int fd[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(file_create_new(".", "m-1", ".json", &name[i], &fd[i], &diag), 0);
    assert_string_equal(name[0], "./m-1.json");
    assert_string_equal(name[1], "./m-1.1.json");
    assert_string_equal(name[2], "./m-1.2.json");
    for (int i = 0; i < 3; i++) {
        free(name[i]);
        close(fd[i]);
    }
    assert_int_equal(folder_entries(*state, false), 3);
}

static void test_reading_has_a_limit(void **state)
{
    (void)state;
    char *bytes = NULL;
    size_t n = 0;
    struct diag diag = {0}, missing = {0};
    file_put("a", "12345");
    assert_int_equal(file_read_all("a", 5, &bytes, &n, &diag), 0);
    free(bytes);
    assert_int_equal(file_read_all("a", 4, &bytes, &n, &diag), ERR_LIMIT);
    assert_string_equal(diag.text, "a is larger than 4 bytes");
    assert_int_equal(file_read_all("b", 5, &bytes, &n, &missing), ERR_MISSING);
}

static void test_large_file_comes_back(void **state)
{
    (void)state;
    enum { N = 300001 };
    char *wanted = malloc(N);
    assert_non_null(wanted);
    for (int i = 0; i < N; i++)
        wanted[i] = (char)(i * 31 >> 3);
    struct diag diag = {0};
    struct file_out out;
    assert_int_equal(file_out_open(&out, "big", &diag), 0);
    assert_int_equal(file_out_write(&out, wanted, N, &diag), 0);
    assert_int_equal(out.written_bytes, N);
    assert_int_equal(file_out_commit(&out, &diag), 0);
    char *bytes;
    size_t n;
    assert_int_equal(file_read_all("big", N, &bytes, &n, &diag), 0);
    assert_int_equal(n, N);
    assert_memory_equal(bytes, wanted, N);
    free(bytes);
    free(wanted);
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
            FILE_TEST(test_commit_replaces),
            FILE_TEST(test_abandon_leaves_no_trace),
            FILE_TEST(test_links_are_not_followed),
            FILE_TEST(test_failures_are_said),
            FILE_TEST(test_full_disk),
            FILE_TEST(test_new_files_count_up),
            FILE_TEST(test_reading_has_a_limit),
            FILE_TEST(test_large_file_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
