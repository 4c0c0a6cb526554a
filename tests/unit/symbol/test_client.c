/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the client: every address is answered once, whatever happens to the helper. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbol/client_state.h"

#include "sanitizer.h"

enum { ADDRESSES = 64 };

/* What the sink was given. */
struct answers {
    size_t n;
    size_t unknown_n;
    uint32_t module;
    uint64_t offset;
    char function[64];
    char file[256];
    uint32_t line;
};

static char own_path[4096];

/* The address that it returns to. */
static __attribute__((noinline)) uint64_t known_place(void)
{
    return (uint64_t)(uintptr_t)__builtin_extract_return_addr(__builtin_return_address(0));
}

extern const char __executable_start[]; /* made by the linker */

static uint64_t image_base(void)
{
    return (uint64_t)(uintptr_t)__executable_start;
}

static void collect(void *context, uint32_t module, uint64_t offset,
                    const struct symbol_frame *frames, size_t n)
{
    struct answers *answers = context;
    answers->n++;
    answers->unknown_n += n == 0;
    answers->module = module;
    answers->offset = offset;
    answers->function[0] = answers->file[0] = 0;
    if (!n)
        return;
    snprintf(answers->function, sizeof answers->function, "%s",
             frames[0].function ? frames[0].function : "");
    snprintf(answers->file, sizeof answers->file, "%s", frames[0].file ? frames[0].file : "");
    answers->line = frames[0].line;
}

static struct symbol_client *client_begin(struct answers *answers,
                                          const struct symbol_limits *limits)
{
    struct symbol_client *client = NULL;
    struct diag diag = {0};
    struct symbol_limits used = limits ? *limits : (struct symbol_limits){0};
    used.sanitizer = TEST_IS_SANITIZED;
    *answers = (struct answers){0};
    assert_int_equal(symbol_client_new(NULL, &used, collect, answers, &client, &diag), 0);
    return client;
}

static uint32_t module_add(struct symbol_client *client, const char *path, int fd)
{
    struct symbol_module module = {.path = path, .fd = fd};
    uint32_t index = UINT32_MAX;
    assert_int_equal(symbol_client_module(client, &module, &index), 0);
    return index;
}

static void submit_some(struct symbol_client *client, uint32_t module, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t offset = 0x1000 + i * 16;
        assert_int_equal(symbol_client_submit(client, module, &offset, 1), 0);
    }
}

static int drain(struct symbol_client *client, unsigned seconds)
{
    return symbol_client_drain(client, client_now_ns() + seconds * UINT64_C(1000000000));
}

static void test_resolves(void **state)
{
    (void)state;
    struct answers answers;
    struct symbol_client *client = client_begin(&answers, NULL);
    uint32_t module = module_add(client, own_path, -1);
    uint64_t offset = known_place() - 1 - image_base();
    uint32_t line = __LINE__ - 1;
    assert_int_equal(symbol_client_submit(client, module, &offset, 1), 0);
    assert_int_equal(symbol_client_pending(client), 1);
    assert_int_equal(drain(client, 30), 0);
    assert_int_equal(answers.n, 1);
    assert_int_equal(answers.module, module);
    assert_int_equal(answers.offset, offset);
    assert_string_equal(answers.function, "test_resolves");
    assert_non_null(strstr(answers.file, "test_client.c"));
    assert_int_equal(answers.line, line);
    assert_int_equal(symbol_client_module_flags(client, module),
                     SYMBOL_HAS_TABLE | SYMBOL_HAS_DEBUG);
    assert_int_equal(symbol_client_failures(client, NULL), 0);
    symbol_client_free(client);
}

/* The name is gone before anything was read: the descriptor is enough. */
static void test_deleted_file(void **state)
{
    (void)state;
    char copy[] = "/tmp/memscope-client-XXXXXX";
    int out = mkstemp(copy), in = open(own_path, O_RDONLY);
    assert_true(out >= 0 && in >= 0);
    char bytes[65536];
    ssize_t n;
    while ((n = read(in, bytes, sizeof bytes)) > 0)
        assert_int_equal(write(out, bytes, (size_t)n), n);
    struct answers answers;
    struct symbol_client *client = client_begin(&answers, NULL);
    uint32_t module = module_add(client, copy, out);
    close(in);
    close(out);
    assert_int_equal(unlink(copy), 0);
    uint64_t offset = known_place() - 1 - image_base();
    symbol_client_submit(client, module, &offset, 1);
    assert_int_equal(drain(client, 30), 0);
    assert_string_equal(answers.function, "test_deleted_file");
    symbol_client_free(client);
}

static void test_missing_file(void **state)
{
    (void)state;
    struct answers answers;
    struct symbol_client *client = client_begin(&answers, NULL);
    static const char *const paths[] = {"/nowhere/at/all", "[anon]", "", "/dev/null", "/tmp"};
    for (size_t i = 0; i < 5; i++)
        submit_some(client, module_add(client, paths[i], -1), ADDRESSES);
    assert_int_equal(drain(client, 30), 0);
    assert_int_equal(answers.n, 5 * ADDRESSES);
    assert_int_equal(answers.unknown_n, 5 * ADDRESSES);
    assert_int_equal(symbol_client_module_flags(client, 0), SYMBOL_MISSING);
    assert_int_equal(symbol_client_failures(client, NULL), 0);
    symbol_client_free(client);
}

/* A FIFO that nobody writes must not be waited for. */
static void test_fifo(void **state)
{
    (void)state;
    char name[64];
    snprintf(name, sizeof name, "/tmp/memscope-fifo-%d", (int)getpid());
    assert_int_equal(mkfifo(name, 0600), 0);
    struct answers answers;
    struct symbol_client *client = client_begin(&answers, NULL);
    submit_some(client, module_add(client, name, -1), 1);
    assert_int_equal(drain(client, 30), 0);
    assert_int_equal(answers.unknown_n, 1);
    symbol_client_free(client);
    unlink(name);
}

static void test_same_module(void **state)
{
    (void)state;
    struct answers answers;
    struct symbol_client *client = client_begin(&answers, NULL);
    struct symbol_module module = {.path = "/a", .fd = -1, .build_id = {1, 2}};
    uint32_t first, second;
    module.build_id_bytes = 2;
    assert_int_equal(symbol_client_module(client, &module, &first), 0);
    assert_int_equal(symbol_client_module(client, &module, &second), 0);
    assert_int_equal(first, second);
    module.build_id[1] = 3;
    assert_int_equal(symbol_client_module(client, &module, &second), 0);
    assert_int_not_equal(first, second);
    assert_int_equal(symbol_client_submit(client, 7, NULL, 0), ERR_USAGE);
    symbol_client_free(client);
}

/* Ends the helper by a signal as soon as it is at work. */
static void kill_helper(struct symbol_client *client, int signal)
{
    for (int i = 0; i < 1000 && client->helper <= 0; i++)
        symbol_client_poll(client, 0);
    assert_true(client->helper > 0);
    assert_int_equal(kill(client->helper, signal), 0);
}

static void test_killed(void **state)
{
    (void)state;
    struct answers answers;
    struct symbol_client *client = client_begin(&answers, NULL);
    uint32_t module = module_add(client, own_path, -1);
    for (int round = 0; round < 2; round++) {
        submit_some(client, module, 5000);
        kill_helper(client, SIGKILL);
        assert_int_equal(drain(client, 60), 0);
    }
    assert_int_equal(answers.n, 10000);
    struct diag diag = {0};
    assert_in_range(symbol_client_failures(client, &diag), 1, 2);
    assert_non_null(strstr(diag.text, "signal 9"));
    symbol_client_free(client);
}

/* A module whose helper dies keeps its symbol table, another one keeps everything. */
static void test_blame(void **state)
{
    (void)state;
    struct answers answers;
    struct symbol_client *client = client_begin(&answers, NULL);
    uint32_t bad = module_add(client, own_path, -1), good = module_add(client, own_path, -1);
    uint64_t offset = known_place() - 1 - image_base();
    symbol_client_submit(client, bad, &offset, 1);
    kill_helper(client, SIGSTOP);
    client_link_fail(client, "the test says so", true);
    assert_int_equal(drain(client, 30), 0);
    assert_int_equal(answers.n, 1);
    assert_string_equal(answers.function, "test_blame");
    assert_int_equal(answers.line, 0);
    symbol_client_submit(client, good, &offset, 1);
    assert_int_equal(drain(client, 30), 0);
    assert_true(answers.line > 0);
    symbol_client_free(client);
}

/* A stopped helper is replaced, and again, until its module has nothing left to lose. */
static void test_stands_still(void **state)
{
    (void)state;
    struct answers answers;
    struct symbol_limits limits = {.silent_wall_ms = 300};
    struct symbol_client *client = client_begin(&answers, &limits);
    uint32_t module = module_add(client, own_path, -1);
    for (int round = 0; round < 2; round++) {
        /* There is one now, and it has nothing to do that it could be quicker with. */
        submit_some(client, module, 1);
        assert_int_equal(drain(client, 30), 0);
        kill_helper(client, SIGSTOP);
        submit_some(client, module, ADDRESSES);
        assert_int_equal(drain(client, 30), 0);
    }
    assert_int_equal(answers.n, 2 * (ADDRESSES + 1));
    struct diag diag = {0};
    assert_true(symbol_client_failures(client, &diag) >= 1);
    assert_non_null(strstr(diag.text, "stood still"));
    symbol_client_free(client);
}

static void test_deadline(void **state)
{
    (void)state;
    struct answers answers;
    struct symbol_client *client = client_begin(&answers, NULL);
    submit_some(client, module_add(client, own_path, -1), ADDRESSES);
    kill_helper(client, SIGSTOP);
    size_t before = answers.n;
    uint64_t start_ns = client_now_ns();
    int left = symbol_client_drain(client, start_ns + 100000000);
    assert_true(client_now_ns() - start_ns < UINT64_C(5000000000));
    if (before < ADDRESSES)
        assert_int_equal(left, 1);
    assert_int_equal(answers.n + symbol_client_pending(client), ADDRESSES);
    symbol_client_free(client);
}

/* The keeper is killed: the client starts another one. */
static void test_keeper_killed(void **state)
{
    (void)state;
    struct answers answers;
    struct symbol_client *client = client_begin(&answers, NULL);
    assert_int_equal(kill(client->keeper, SIGKILL), 0);
    submit_some(client, module_add(client, own_path, -1), ADDRESSES);
    assert_int_equal(drain(client, 30), 0);
    assert_int_equal(answers.n, ADDRESSES);
    symbol_client_free(client);
}

/* No helper at all: nothing is known, and nobody waits. */
static void test_given_up(void **state)
{
    (void)state;
    struct answers answers;
    struct symbol_client *client = client_begin(&answers, NULL);
    client->given_up = true;
    submit_some(client, module_add(client, own_path, -1), ADDRESSES);
    assert_int_equal(drain(client, 5), 0);
    assert_int_equal(answers.unknown_n, ADDRESSES);
    symbol_client_free(client);
}

/* Too little memory for debug information: fewer names, but every answer. */
static void test_memory_limit(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 300000, 2000000, UINT64_C(1) << 30};
    for (size_t i = 0; i < 4; i++) {
        struct answers answers;
        struct symbol_limits limits = {.memory_bytes = sizes[i]};
        struct symbol_client *client = client_begin(&answers, &limits);
        submit_some(client, module_add(client, own_path, -1), ADDRESSES);
        assert_int_equal(drain(client, 30), 0);
        assert_int_equal(answers.n, ADDRESSES);
        bool has_failed = symbol_client_failures(client, NULL) > 0;
        if (i == 3)
            assert_false(has_failed);
        symbol_client_free(client);
    }
}

static void test_children_end(void **state)
{
    (void)state;
    struct answers answers;
    struct symbol_client *client = client_begin(&answers, NULL);
    submit_some(client, module_add(client, own_path, -1), 1);
    assert_int_equal(drain(client, 30), 0);
    pid_t helper = client->helper;
    symbol_client_free(client);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    for (int i = 0; i < 2000 && kill(helper, 0) == 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(kill(helper, 0), -1);
}

/* Packets that a taken-over helper might send. */
static void test_hostile_answers(void **state)
{
    (void)state;
    struct answers answers;
    struct symbol_client *client = client_begin(&answers, NULL);
    uint32_t module = module_add(client, own_path, -1);
    uint64_t seed = 3;
    for (int round = 0; round < 20000; round++) {
        client->batch_n = 1;
        client->batches[0] = (struct client_batch){.module = module, .n = 2};
        client->pending_n = 2;
        unsigned char bytes[96];
        for (size_t i = 0; i < sizeof bytes; i += 4) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            uint32_t word = (uint32_t)(seed >> 33) % (round % 3 ? 5 : 40);
            memcpy(bytes + i, &word, 4);
        }
        client_answers_take(client, bytes, (size_t)round % (sizeof bytes + 1));
        assert_true(client->batch_n <= 1);
        assert_true(client->batches[0].answered_n <= 2);
    }
    client->batch_n = 0;
    client->pending_n = 0;
    symbol_client_free(client);
}

struct hostile_result {
    struct protocol_record record;
    struct protocol_result result;
    struct protocol_frame frame;
};

/* One field wrong at a time, and none. */
static void test_checked_answers(void **state)
{
    (void)state;
    struct answers answers;
    struct symbol_client *client = client_begin(&answers, NULL);
    uint32_t module = module_add(client, own_path, -1);
    for (int wrong = 0; wrong < 7; wrong++) {
        client->batch_n = 1;
        client->batches[0] = (struct client_batch){.module = module, .n = 1, .offsets = {0x77}};
        client->pending_n = 1;
        struct hostile_result packet = {
                .record = {RECORD_RESULT, sizeof packet.result + sizeof packet.frame},
                .result = {.offset = 0x77, .frame_n = 1},
        };
        packet.frame.function += wrong == 1;
        packet.frame.file = wrong == 2 ? UINT32_MAX : 0;
        packet.result.offset += wrong == 3;
        packet.result.frame_n = wrong == 4 ? UINT32_MAX : 1;
        packet.record.n -= wrong == 5 ? 8 : 0;
        packet.record.kind = wrong == 6 ? 99 : RECORD_RESULT;
        bool taken = client_answers_take(client, (unsigned char *)&packet, sizeof packet);
        assert_int_equal(taken, wrong == 0);
        assert_int_equal(answers.n, 1);
    }
    client->batch_n = 0;
    client->pending_n = 0;
    symbol_client_free(client);
}

int main(void)
{
    ssize_t n = readlink("/proc/self/exe", own_path, sizeof own_path - 1);
    if (n <= 0)
        return 1;
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_resolves),        cmocka_unit_test(test_deleted_file),
            cmocka_unit_test(test_missing_file),    cmocka_unit_test(test_fifo),
            cmocka_unit_test(test_same_module),     cmocka_unit_test(test_killed),
            cmocka_unit_test(test_blame),           cmocka_unit_test(test_stands_still),
            cmocka_unit_test(test_deadline),        cmocka_unit_test(test_keeper_killed),
            cmocka_unit_test(test_given_up),        cmocka_unit_test(test_memory_limit),
            cmocka_unit_test(test_children_end),    cmocka_unit_test(test_hostile_answers),
            cmocka_unit_test(test_checked_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
