/* SPDX-License-Identifier: Apache-2.0 */
/* -e and -o: which output goes where, and names that replace nothing. */
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

#include "cli/outputs.h"

static const char *folder; /* a private working directory of this test */

/* Plans the outputs of "run <words> p"; 0 or the error. */
static int plan(struct outputs *outputs, struct diag *diag, bool takes_recording, int n,
                const char **words)
{
    char *argv[20] = {(char *)"run"};
    int argc = 1;
    for (int i = 0; i < n; i++)
        argv[argc++] = (char *)(uintptr_t)words[i];
    argv[argc++] = (char *)"p";
    argv[argc] = NULL;
    struct settings settings;
    diag->text[0] = 0;
    int err = settings_parse(&settings, verb_find("run"), argc, argv, diag);
    assert_int_equal(err, 0);
    struct text note = {0};
    err = outputs_plan(outputs, &settings, takes_recording, &note, diag);
    text_done(&note);
    settings_done(&settings);
    return err;
}

#define PLAN(outputs, diag, takes, ...)                                                            \
    plan(outputs, diag, takes, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),             \
         (const char *[]){__VA_ARGS__})

static void nth_output_belongs_to_nth_export(void **state)
{
    struct outputs outputs;
    struct diag diag;
    assert_int_equal(PLAN(&outputs, &diag, true, "-o", "a", "-e", "json", "-e", "html", "-o", "b"),
                     0);
    assert_int_equal(outputs.n, 2);
    assert_string_equal(outputs.exports[0].format, "json");
    assert_string_equal(outputs.exports[0].name, "a");
    assert_string_equal(outputs.exports[1].format, "html");
    assert_string_equal(outputs.exports[1].name, "b");
    assert_null(outputs.recording);
    outputs_done(&outputs);
}

static void lone_output_tells_by_its_suffix(void **state)
{
    static const struct {
        const char *name, *format;
    } cases[] = {
            {"x.json", "json"},        {"x.html", "html"},     {"x.svg", "svg"},
            {"x.pb.gz", "pprof"},      {"x.folded", "folded"}, {"x.speedscope.json", "speedscope"},
            {"x.mscope", "recording"}, {"x", "recording"},     {"a.b/x", "recording"},
            {".hidden", "recording"},  {"x.txt", NULL},        {"x.gz", NULL},
            {".json", "recording"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *format = outputs_format_of(cases[i].name);
        if (cases[i].format)
            assert_string_equal(format, cases[i].format);
        else
            assert_null(format);
    }
    struct outputs outputs;
    struct diag diag;
    assert_int_equal(PLAN(&outputs, &diag, true, "-e", "json", "-o", "a", "-o", "r.mscope"), 0);
    assert_int_equal(outputs.n, 1);
    assert_string_equal(outputs.recording, "r.mscope");
    outputs_done(&outputs);
    assert_int_equal(PLAN(&outputs, &diag, true, "-o", "r.mscope", "-e", "json", "-o", "a"), 0);
    assert_string_equal(outputs.recording, "r.mscope");
    assert_string_equal(outputs.exports[0].name, "a");
    outputs_done(&outputs);
    assert_int_equal(PLAN(&outputs, &diag, true, "-o", "out.txt"), ERR_USAGE);
    assert_non_null(strstr(diag.text, "suffix"));
}

static void folders_take_all(void **state)
{
    struct outputs outputs;
    struct diag diag;
    assert_int_equal(PLAN(&outputs, &diag, true, "-e", "json", "-o", "sub/", "-e", "svg"), 0);
    assert_string_equal(outputs.folder, "sub/");
    assert_null(outputs.exports[0].name);
    assert_null(outputs.exports[1].name);
    struct stat status;
    assert_int_equal(stat("sub", &status), 0);
    outputs_done(&outputs);
}

static void contradictions_are_refused(void **state)
{
    struct outputs outputs;
    struct diag diag;
    assert_int_equal(PLAN(&outputs, &diag, true, "-o", "-"), ERR_USAGE);
    assert_int_equal(PLAN(&outputs, &diag, true, "-o", "a.mscope", "-o", "b.mscope"), ERR_USAGE);
    assert_int_equal(PLAN(&outputs, &diag, true, "-e", "json", "-e", "svg", "-o", "x", "-o", "x"),
                     ERR_USAGE);
    assert_int_equal(PLAN(&outputs, &diag, true, "--no-recording", "-o", "a.mscope"), ERR_USAGE);
    assert_int_equal(PLAN(&outputs, &diag, false, "-o", "a.mscope"), ERR_USAGE);
    assert_int_equal(PLAN(&outputs, &diag, true, "-o", "nowhere/a.json"), ERR_IO);
    assert_non_null(strstr(diag.text, "there is no folder nowhere"));
}

static void two_outputs_may_not_share_stdout(void **state)
{
    struct outputs outputs;
    struct diag diag;
    assert_int_equal(PLAN(&outputs, &diag, true, "-e", "json", "-e", "svg", "-o", "-", "-o", "-"),
                     ERR_USAGE);
    assert_int_equal(PLAN(&outputs, &diag, true, "-e", "json", "-o", "-"), 0);
    assert_string_equal(outputs.exports[0].name, "-");
    outputs_done(&outputs);
}

static void program_names_are_safe_in_file_names(void **state)
{
    static const struct {
        const char *path, *name;
    } cases[] = {
            {"/usr/bin/g++", "g++"},
            {"./a b;c\nd", "a_b_c_d"},
            {"-x", "_x"},
            {"..", "_."},
            {"", "program"},
            {"/", "program"},
            {"dir/", "dir"},
            {"\xff\xfe", "__"},
            {"%p", "_p"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text = {0};
        outputs_add_program(&text, cases[i].path);
        assert_string_equal(text_string(&text), cases[i].name);
        text_done(&text);
    }
}

static void claimed_names_replace_nothing(void **state)
{
    char *first = NULL, *second = NULL;
    struct diag diag = {""};
    assert_int_equal(outputs_claim(".", "app", 7, ".json", &first, &diag), 0);
    assert_int_equal(outputs_claim(".", "app", 7, ".json", &second, &diag), 0);
    assert_string_equal(first, "./memscope-app-7.json");
    assert_string_equal(second, "./memscope-app-7.1.json");
    struct stat status;
    assert_int_equal(stat(first, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    free(first);
    free(second);
}

static int begin(void **state)
{
    static char name[] = "/tmp/memscope-test-outputs-XXXXXX";
    folder = mkdtemp(name);
    return folder ? chdir(folder) : -1;
}

static int end(void **state)
{
    (void)!chdir("/");
    char path[256];
    static const char *const left[] = {"/memscope-app-7.json", "/memscope-app-7.1.json", "/sub",
                                       ""};
    for (size_t i = 0; i < 4; i++) {
        (void)!snprintf(path, sizeof path, "%s%s", folder, left[i]);
        remove(path);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(nth_output_belongs_to_nth_export),
            cmocka_unit_test(lone_output_tells_by_its_suffix),
            cmocka_unit_test(folders_take_all),
            cmocka_unit_test(contradictions_are_refused),
            cmocka_unit_test(two_outputs_may_not_share_stdout),
            cmocka_unit_test(program_names_are_safe_in_file_names),
            cmocka_unit_test(claimed_names_replace_nothing),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
