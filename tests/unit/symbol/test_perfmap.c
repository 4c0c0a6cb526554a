/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of perf maps: what is read, what overlaps, and which files are not believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "symbol/perfmap.h"

static char folder[] = "/tmp/memscope-perfmap-XXXXXX";
static char path[128];

static int group_begin(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/perf-1.map", folder);
    return 0;
}

static int group_end(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void put(const char *text)
{
    unlink(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static void expect(const struct perfmap *map, uint64_t address, const char *wanted)
{
    size_t n = 0;
    const char *name = perfmap_find(map, address, &n);
    assert_int_equal(name != NULL, wanted != NULL);
    if (name) {
        assert_int_equal(n, strlen(wanted));
        assert_memory_equal(name, wanted, n);
    }
}

static void test_find(void **state)
{
    (void)state;
    put("7f0010 20 first\n0x7f0030 0x10 with blanks in it\nnonsense\n7f0040 zz bad\n"
        "ffffffffffffffff 10 wraps\n11111111111111111 1 too long\n7f0050 0 empty\n7f0060 8 last");
    struct perfmap *map = NULL;
    struct diag diag = {0};
    assert_int_equal(perfmap_open(path, geteuid(), &map, &diag), 0);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(perfmap_changed_unix_ns(map) / 1000000000, status.st_mtim.tv_sec);
    expect(map, 0x7f000f, NULL);
    expect(map, 0x7f0010, "first");
    expect(map, 0x7f002f, "first");
    expect(map, 0x7f0030, "with blanks in it");
    expect(map, 0x7f0040, NULL);
    expect(map, 0x7f0050, NULL);
    expect(map, 0x7f0067, "last");
    expect(map, 0x7f0068, NULL);
    expect(map, UINT64_MAX, NULL);
    perfmap_free(map);
}

/* Against a plain search through all lines. */
static void test_overlap(void **state)
{
    (void)state;
    enum { LINES = 300 };
    uint64_t low[LINES], high[LINES], seed = 7;
    struct text text = {0};
    for (int i = 0; i < LINES; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        low[i] = 1000 + (seed >> 40) % 3000;
        high[i] = low[i] + 1 + (seed >> 20) % 100;
        text_printf(&text, "%jx %jx f%d\n", (uintmax_t)low[i], (uintmax_t)(high[i] - low[i]), i);
    }
    put(text_string(&text));
    text_done(&text);
    struct perfmap *map = NULL;
    struct diag diag = {0};
    assert_int_equal(perfmap_open(path, geteuid(), &map, &diag), 0);
    for (uint64_t address = 900; address < 4300; address++) {
        char wanted[16] = "";
        for (int i = 0; i < LINES; i++) {
            if (address >= low[i] && address < high[i])
                snprintf(wanted, sizeof wanted, "f%d", i);
        }
        expect(map, address, wanted[0] ? wanted : NULL);
    }
    perfmap_free(map);
}

static void test_disbelieved(void **state)
{
    (void)state;
    struct perfmap *map = NULL;
    struct diag diag = {0};
    put("10 10 f\n");
    assert_int_equal(perfmap_open(path, geteuid() + 1, &map, &diag), ERR_DENIED);
    assert_true(diag.text[0]);
    assert_int_equal(chmod(path, 0622), 0);
    assert_int_equal(perfmap_open(path, geteuid(), &map, &diag), ERR_DENIED);
    char other[160];
    snprintf(other, sizeof other, "%s.real", path);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(perfmap_open(path, geteuid(), &map, &diag), ERR_MISSING);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(perfmap_open(path, geteuid(), &map, &diag), ERR_DENIED);
    unlink(other);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(perfmap_open(path, geteuid(), &map, &diag), ERR_DENIED);
    put("");
    assert_int_equal(truncate(path, (off_t)PERFMAP_BYTES_MAX + 1), 0);
    assert_int_equal(perfmap_open(path, geteuid(), &map, &diag), ERR_LIMIT);
    assert_null(map);
}

static void test_process(void **state)
{
    (void)state;
    char own[64];
    snprintf(own, sizeof own, "/tmp/perf-%d.map", (int)getpid());
    FILE *file = fopen(own, "wx");
    assert_non_null(file);
    fputs("5000 100 jitted\n", file);
    fclose(file);
    struct perfmap *map = NULL;
    struct diag diag = {0};
    int err = perfmap_open_process(getpid(), getpid(), &map, &diag);
    unlink(own);
    assert_int_equal(err, 0);
    expect(map, 0x5000, "jitted");
    perfmap_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_find),
            cmocka_unit_test(test_overlap),
            cmocka_unit_test(test_disbelieved),
            cmocka_unit_test(test_process),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
