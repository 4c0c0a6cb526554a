/* SPDX-License-Identifier: Apache-2.0 */
/* When a checkpoint is due, and limits of control groups in folders made for it. */
#include <ftw.h>
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

#include "collect/checkpoints.h"

#define MS_NS UINT64_C(1000000)
#define MIB (UINT64_C(1) << 20)

/* A file system of control groups. */
struct tree {
    char root[64];
};

static int tree_new(void **state)
{
    struct tree *tree = calloc(1, sizeof *tree);
    snprintf(tree->root, sizeof tree->root, "/tmp/test_checkpoints.XXXXXX");
    *state = tree;
    return mkdtemp(tree->root) ? 0 : -1;
}

static int tree_remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int tree_free(void **state)
{
    struct tree *tree = *state;
    int status = nftw(tree->root, tree_remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(tree);
    return status;
}

static void tree_folder(const struct tree *tree, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", tree->root, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void tree_write(const struct tree *tree, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", tree->root, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static uint32_t use_of(const struct tree *tree, const char *text)
{
    struct cgroup cgroup = {0};
    cgroup_open(&cgroup, text, tree->root);
    uint32_t percent = cgroup_use_percent(&cgroup);
    cgroup_done(&cgroup);
    return percent;
}

/* The group itself has no limit, the one above it has. */
static void test_version_2(void **state)
{
    const struct tree *tree = *state;
    tree_folder(tree, "a");
    tree_folder(tree, "a/b");
    tree_write(tree, "a/b/memory.max", "max\n");
    tree_write(tree, "a/b/memory.current", "900\n");
    assert_int_equal(use_of(tree, "0::/a/b\n"), 0);
    tree_write(tree, "a/memory.max", "2000\n");
    tree_write(tree, "a/memory.current", "1000\n");
    assert_int_equal(use_of(tree, "0::/a/b\n"), 50);
    tree_write(tree, "a/b/memory.max", "1000\n");
    assert_int_equal(use_of(tree, "0::/a/b\n"), 90);
    assert_int_equal(use_of(tree, "0::/a\n"), 50);
    assert_int_equal(use_of(tree, "0::/\n"), 0);
    /* What cannot be seen from here; the mount itself is a container's own group. */
    tree_write(tree, "memory.max", "1000\n");
    tree_write(tree, "memory.current", "700\n");
    assert_int_equal(use_of(tree, "0::/host/path/of/us\n"), 70);
    assert_int_equal(use_of(tree, "0::/../../a/b\n"), 70);
}

static void test_version_1(void **state)
{
    const struct tree *tree = *state;
    tree_folder(tree, "memory");
    tree_folder(tree, "memory/job");
    tree_write(tree, "memory/memory.limit_in_bytes", "9223372036854771712\n");
    tree_write(tree, "memory/memory.usage_in_bytes", "5000\n");
    tree_write(tree, "memory/job/memory.limit_in_bytes", "4000\n");
    tree_write(tree, "memory/job/memory.usage_in_bytes", "3000\n");
    assert_int_equal(use_of(tree, "2:cpu,memory:/job\n0::/\n"), 75);
    assert_int_equal(use_of(tree, "2:cpu,memory:/\n"), 0);
    assert_int_equal(use_of(tree, "2:memorylike:/job\n1:x\n\nnonsense"), 0);
}

/* Every 4 s, sooner at first. */
static void test_time(void **state)
{
    (void)state;
    struct checkpoints checkpoints = {0};
    static const uint64_t wanted_ms[] = {1000, 2000, 4000, 8000, 12000, 16000};
    size_t n = 0;
    for (uint64_t at_ms = 0; at_ms <= 17000; at_ms += 10) {
        enum checkpoints_reason reason = checkpoints_due(&checkpoints, 0, 0, at_ms * MS_NS);
        if (reason == CHECKPOINTS_NONE)
            continue;
        assert_int_equal(reason, CHECKPOINTS_TIME);
        assert_int_equal(at_ms, wanted_ms[n++]);
        checkpoints_note(&checkpoints, 0, at_ms * MS_NS, (at_ms + 1) * MS_NS);
    }
    assert_int_equal(n, sizeof wanted_ms / sizeof *wanted_ms);
}

static void test_peak(void **state)
{
    (void)state;
    struct checkpoints checkpoints = {0};
    checkpoints_note(&checkpoints, 100 * MIB, 8000 * MS_NS, 8001 * MS_NS);
    uint64_t late = 9000 * MS_NS;
    /* A program that ends within its first second writes none for its peaks. */
    assert_int_equal(checkpoints_due(&checkpoints, 200 * MIB, 0, 8990 * MS_NS), CHECKPOINTS_NONE);
    assert_int_equal(checkpoints_due(&checkpoints, 105 * MIB, 0, late), CHECKPOINTS_NONE);
    assert_int_equal(checkpoints_due(&checkpoints, 106 * MIB, 0, late), CHECKPOINTS_PEAK);
    /* Not at once, and the later the more the last one took. */
    assert_int_equal(checkpoints_due(&checkpoints, 106 * MIB, 0, 8100 * MS_NS), CHECKPOINTS_NONE);
    checkpoints_note(&checkpoints, 106 * MIB, 9000 * MS_NS, 9020 * MS_NS);
    assert_int_equal(checkpoints_due(&checkpoints, 200 * MIB, 0, 9990 * MS_NS), CHECKPOINTS_NONE);
    assert_int_equal(checkpoints_due(&checkpoints, 200 * MIB, 0, 10010 * MS_NS), CHECKPOINTS_PEAK);
    /* A small program's every block is no news. */
    checkpoints_note(&checkpoints, 1000, 12000 * MS_NS, 12000 * MS_NS);
    assert_int_equal(checkpoints_due(&checkpoints, 500000, 0, 13000 * MS_NS), CHECKPOINTS_NONE);
    /* However costly, the time between two is bounded. */
    checkpoints_note(&checkpoints, 0, 20000 * MS_NS, 21000 * MS_NS);
    assert_int_equal(checkpoints_due(&checkpoints, 0, 0, 24000 * MS_NS), CHECKPOINTS_TIME);
}

/* Once for each time that the limit comes near. */
static void test_limit(void **state)
{
    const struct tree *tree = *state;
    tree_folder(tree, "job");
    tree_write(tree, "job/memory.max", "1000\n");
    tree_write(tree, "job/memory.current", "800\n");
    struct checkpoints checkpoints = {0};
    cgroup_open(&checkpoints.cgroup, "0::/job\n", tree->root);
    checkpoints_note(&checkpoints, 0, 8000 * MS_NS, 8000 * MS_NS);
    static const struct {
        const char *use;
        enum checkpoints_reason wanted;
    } steps[] = {{"899", CHECKPOINTS_NONE}, {"901", CHECKPOINTS_LIMIT}, {"950", CHECKPOINTS_NONE},
                 {"870", CHECKPOINTS_NONE}, {"920", CHECKPOINTS_NONE},  {"800", CHECKPOINTS_NONE},
                 {"999", CHECKPOINTS_LIMIT}};
    uint64_t at_ns = 8000 * MS_NS;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        tree_write(tree, "job/memory.current", steps[i].use);
        at_ns += 300 * MS_NS;
        assert_int_equal(checkpoints_due(&checkpoints, 0, 0, at_ns), steps[i].wanted);
        if (steps[i].wanted != CHECKPOINTS_NONE)
            checkpoints_note(&checkpoints, 0, at_ns, at_ns);
    }
    checkpoints_done(&checkpoints);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_version_2, tree_new, tree_free),
            cmocka_unit_test_setup_teardown(test_version_1, tree_new, tree_free),
            cmocka_unit_test(test_time),
            cmocka_unit_test(test_peak),
            cmocka_unit_test_setup_teardown(test_limit, tree_new, tree_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
