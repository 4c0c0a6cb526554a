/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas: what is given out is zeroed, aligned and nobody else's; the limit holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

enum { PIECES = 3000 };

/* Each piece is filled with its own byte; had two overlapped, one would read the other's. */
static void test_pieces_do_not_overlap(void **state)
{
    (void)state;
    static unsigned char *piece[PIECES];
    static size_t size[PIECES];
    struct arena arena = {0};
    unsigned seed = 7;
    for (int i = 0; i < PIECES; i++) {
        seed = seed * 1103515245u + 12345u;
        size[i] = i % 500 == 0 ? 300000 : seed >> 16 & 511;
        piece[i] = arena_take(&arena, size[i]);
        assert_non_null(piece[i]);
        assert_int_equal((uintptr_t)piece[i] % 16, 0);
        for (size_t at = 0; at < size[i]; at++)
            assert_int_equal(piece[i][at], 0);
        memset(piece[i], i % 251 + 1, size[i]);
    }
    for (int i = 0; i < PIECES; i++) {
        for (size_t at = 0; at < size[i]; at++)
            assert_int_equal(piece[i][at], i % 251 + 1);
    }
    arena_done(&arena);
    assert_int_equal(arena.used_bytes, 0);
}

static void test_limit(void **state)
{
    (void)state;
    struct arena arena = {.limit_bytes = 160};
    assert_non_null(arena_take(&arena, 100));
    assert_null(arena_take(&arena, 49));
    assert_non_null(arena_take(&arena, 48));
    assert_null(arena_take(&arena, 1));
    assert_null(arena_take(&arena, SIZE_MAX));
    assert_int_equal(arena.used_bytes, 160);
    arena_done(&arena);
    assert_non_null(arena_take(&arena, 160));
    arena_done(&arena);
}

static void test_copy(void **state)
{
    (void)state;
    struct arena arena = {0};
    char *copy = arena_copy(&arena, "a\0bc", 4);
    assert_memory_equal(copy, "a\0bc", 5);
    assert_string_equal(arena_copy(&arena, NULL, 0), "");
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_pieces_do_not_overlap),
            cmocka_unit_test(test_limit),
            cmocka_unit_test(test_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
