/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detection against programs whose kind is known: from their manuals and from watching them run.
 * The weights in detect.c were chosen with the first half of the table in view; the second half
 * says what they are worth. Programs that are not installed are left out.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "launch/detect.h"

#define S DETECT_SINGLE_THREADED
#define M DETECT_MULTI_THREADED
#define A DETECT_ASYNC
#define H DETECT_HYBRID

struct known {
    const char *program;
    enum detect_environment truth;
    const char *runtime;
};

/* For the choice of weights: sort, zstd and git compress or search with threads; node and cmake run
 * libuv's loop beside worker threads; tmux lives in libevent's loop. */
static const struct known chosen_with[] = {
        {"ls", S, ""},           {"cat", S, ""},     {"sort", M, ""},    {"gzip", S, ""},
        {"zstd", M, ""},         {"bash", S, ""},    {"perl", S, ""},    {"node", H, "libuv"},
        {"git", M, ""},          {"make", S, ""},    {"gcc", S, ""},     {"cmake", H, "libuv"},
        {"tmux", A, "libevent"}, {"ssh", S, ""},     {"python3", S, ""}, {"sed", S, ""},
        {"tar", S, ""},          {"sqlite3", S, ""}, {"gio", A, "glib"}, {"psql", S, ""},
};

/* To be judged by: curl resolves names in a thread, gdb reads symbols with several, redis-server
 * frees and saves in the background, dbus-daemon has a loop of its own in one thread. */
static const struct known judged_by[] = {
        {"cp", S, ""},        {"bzip2", S, ""},        {"xz", S, ""},        {"ninja", S, ""},
        {"curl", M, ""},      {"gdb", M, ""},          {"mawk", S, ""},      {"grep", S, ""},
        {"openssl", S, ""},   {"redis-server", M, ""}, {"systemctl", S, ""}, {"vim", S, ""},
        {"jq", S, ""},        {"find", S, ""},         {"diff", S, ""},      {"objdump", S, ""},
        {"strace", S, ""},    {"dpkg", S, ""},         {"readelf", S, ""},   {"dbus-daemon", S, ""},
        {"gdbus", A, "glib"}, {"rsyslogd", M, ""},
};

/* Prints accuracy and Brier score (0 = sure and right, 2 = sure and wrong); returns how many. */
static unsigned judge(const char *what, const struct known *known, size_t known_n,
                      double *ret_accuracy, double *ret_brier)
{
    const struct detect_options options = {0};
    unsigned n = 0, right = 0;
    double brier = 0;
    for (size_t i = 0; i < known_n; i++) {
        struct detect detect;
        struct diag diag = {0};
        if (detect_program(known[i].program, &options, &detect, &diag) < 0)
            continue;
        n++;
        right += detect.environment == known[i].truth;
        for (int k = 0; k < DETECT_ENVIRONMENTS; k++) {
            double off = detect.alternatives[k] - (k == (int)known[i].truth);
            brier += off * off;
        }
        if (detect.environment != known[i].truth)
            print_message("  %s: %s %.2f, in truth %s\n", known[i].program,
                          detect_environment_name(detect.environment), detect.confidence,
                          detect_environment_name(known[i].truth));
        else if (*known[i].runtime)
            assert_string_equal(detect.runtime, known[i].runtime);
    }
    *ret_accuracy = n ? (double)right / n : 0;
    *ret_brier = n ? brier / n : 0;
    print_message("%s: %u programs, accuracy %.2f, Brier score %.3f\n", what, n, *ret_accuracy,
                  *ret_brier);
    return n;
}

static void test_calibration(void **state)
{
    double accuracy, brier;
    unsigned n = judge("chosen with", chosen_with, sizeof chosen_with / sizeof *chosen_with,
                       &accuracy, &brier);
    if (n >= 8)
        assert_true(accuracy >= 0.9 && brier < 0.15);
    n = judge("judged by", judged_by, sizeof judged_by / sizeof *judged_by, &accuracy, &brier);
    if (n >= 8)
        assert_true(accuracy >= 0.8 && brier < 0.3);
}

static void test_probabilities(void **state)
{
    const struct detect_options options = {0};
    struct detect detect;
    struct diag diag = {0};
    assert_int_equal(detect_program("sh", &options, &detect, &diag), 0);
    double sum = 0;
    for (int i = 0; i < DETECT_ENVIRONMENTS; i++)
        sum += detect.alternatives[i];
    assert_true(sum > 0.999 && sum < 1.001);
    assert_int_equal(detect.environment, S);
    assert_int_equal(detect.recommended, RUN_STRATEGY_SINGLE_THREAD);
    assert_true(detect.complete);
    /* Nobody is as sure as this. */
    const struct detect_options strict = {.confidence_threshold = 0.999};
    assert_int_equal(detect_program("sh", &strict, &detect, &diag), 0);
    assert_int_equal(detect.recommended, RUN_STRATEGY_HYBRID);
}

static void test_running(void **state)
{
    const struct detect_options options = {0};
    struct detect detect;
    struct diag diag = {0};
    assert_int_equal(detect_process(getpid(), &options, &detect, &diag), 0);
    bool seen = false;
    for (uint32_t i = 0; i < detect.evidence_n; i++)
        seen = seen || detect.evidence[i].seen_running;
    assert_true(seen);
    assert_int_equal(detect.environment, S);
}

static void test_run(void **state)
{
    const struct detect_options options = {.timeout_ms = 300}, patient = {.timeout_ms = 10000};
    char true_word[] = "true", sleep_word[] = "sleep", time_word[] = "60",
         no_word[] = "/none/at/all";
    char *const single[] = {true_word, NULL}, *const endless[] = {sleep_word, time_word, NULL};
    char *const missing[] = {no_word, NULL};
    struct detect detect;
    struct diag diag = {0};
    assert_int_equal(detect_run(single, &patient, &detect, &diag), 0);
    assert_int_equal(detect.environment, S);
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(detect_run(endless, &options, &detect, &diag), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < 30);
    bool seen = false;
    for (uint32_t i = 0; i < detect.evidence_n; i++)
        seen = seen || detect.evidence[i].seen_running;
    assert_true(seen);
    assert_int_equal(detect_run(missing, &options, &detect, &diag), ERR_MISSING);
}

/* A program that the kernel refuses: its header is whole, its type is none. */
static void test_run_refused(void **state)
{
    char path[] = "/tmp/memscope-detect-XXXXXX", header[64] = {0};
    int fd = mkstemp(path), self = open("/bin/true", O_RDONLY | O_CLOEXEC);
    char *const argv[] = {path, NULL};
    const struct detect_options options = {0};
    struct detect detect;
    struct diag diag = {0};
    assert_int_equal(read(self, header, sizeof header), sizeof header);
    header[16] = 9; /* e_type */
    assert_int_equal(write(fd, header, sizeof header), sizeof header);
    assert_int_equal(fchmod(fd, 0700), 0);
    close(self);
    close(fd);
    assert_int_equal(detect_run(argv, &options, &detect, &diag), ERR_IO);
    assert_non_null(strstr(diag.text, "cannot be started"));
    unlink(path);
}

/* What is seen outweighs what the file says; linked and seen are two things. */
static void test_seen(void **state)
{
    const struct detect_options options = {0};
    const struct detect_seen threads = {.look_n = 1, .thread_n = 4},
                             one = {.look_n = 9, .thread_n = 1, .to_its_end = true};
    struct detect linked, seen;
    struct diag diag = {0};
    assert_int_equal(detect_program("sh", &options, &linked, &diag), 0);
    assert_int_equal(detect_program_seen("sh", &options, &threads, &seen, &diag), 0);
    assert_int_equal(seen.environment, M);
    assert_true(seen.confidence > 0.9);
    assert_int_equal(detect_program_seen("sh", &options, &one, &seen, &diag), 0);
    assert_int_equal(seen.environment, S);
    assert_true(seen.confidence > linked.confidence);
}

static void test_no_program(void **state)
{
    const struct detect_options options = {0};
    struct detect detect;
    struct diag diag = {0};
    assert_int_equal(detect_program("/nonexistent/program", &options, &detect, &diag), ERR_MISSING);
    assert_true(diag.text[0] != 0);
}

/* A program's file cut off anywhere, or with bytes turned over, must be judged or refused. */
static void test_damaged(void **state)
{
    char name[] = "/tmp/memscope-detect-XXXXXX";
    static char bytes[256 << 10];
    FILE *file = fopen("/proc/self/exe", "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, 0700), 0);
    unsigned seed = 1;
    for (int i = 0; i < 300; i++) {
        char *at = bytes + rand_r(&seed) % (i % 2 ? 4096 : n);
        char was = *at;
        *at = (char)rand_r(&seed);
        size_t kept = i % 3 ? n : (size_t)rand_r(&seed) % n;
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, bytes, kept, 0), (ssize_t)kept);
        const struct detect_options options = {0};
        struct detect detect;
        struct diag diag = {0};
        int err = detect_program(name, &options, &detect, &diag);
        assert_true(err == 0 || err == ERR_FORMAT);
        *at = was;
    }
    close(fd);
    unlink(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_calibration), cmocka_unit_test(test_probabilities),
            cmocka_unit_test(test_running),     cmocka_unit_test(test_no_program),
            cmocka_unit_test(test_damaged),     cmocka_unit_test(test_run),
            cmocka_unit_test(test_run_refused), cmocka_unit_test(test_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
