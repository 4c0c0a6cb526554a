/* SPDX-License-Identifier: Apache-2.0 */
/* The index of names against a search through all symbols, which knows nothing of sorting. */
#include "symbol/names.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SYMBOLS = 20000, FINDS = 5000 };

static const uint64_t section_end = UINT64_C(1) << 60;

static struct names_symbol symbols[SYMBOLS];
static char texts[SYMBOLS][8];

static uint64_t draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 20;
}

/* Symbols of 16 bytes at multiples of 16, several at one address; spread: bits of an address. */
static void make(struct names *names, unsigned spread, uint64_t seed)
{
    for (size_t i = 0; i < SYMBOLS; i++) {
        uint64_t value = 16 + ((draw(&seed) & ((UINT64_C(1) << spread) - 1)) << 4);
        for (size_t k = 0; k < sizeof texts[i] - 1; k++)
            texts[i][k] = (char)('a' + draw(&seed) % 26);
        symbols[i] = (struct names_symbol){.name = texts[i],
                                           .value = value,
                                           .bytes = 16,
                                           .section_end = section_end,
                                           .info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC)};
        assert_int_equal(names_offer(names, &symbols[i]), 0);
    }
    names_finish(names);
}

/* All are alike but for their names: of those at one address the first by the alphabet counts. */
static const char *seek(uint64_t address)
{
    const char *found = NULL;
    for (size_t i = 0; i < SYMBOLS; i++) {
        const struct names_symbol *symbol = &symbols[i];
        bool holds = address >= symbol->value && address - symbol->value < symbol->bytes;
        if (holds && (!found || strcmp(symbol->name, found) < 0))
            found = symbol->name;
    }
    return found;
}

static void check(unsigned spread, uint64_t seed)
{
    struct names names = {0};
    make(&names, spread, seed);
    for (size_t i = 1; i < names.entries.n; i++)
        assert_true(names.entries.at[i - 1].low < names.entries.at[i].low);
    for (unsigned i = 0; i < FINDS; i++) {
        uint64_t address = symbols[draw(&seed) % SYMBOLS].value + draw(&seed) % 40;
        const struct names_entry *entry = names_find(&names, address);
        const char *expected = seek(address);
        assert_int_equal(entry != NULL, expected != NULL);
        if (entry)
            assert_string_equal(entry->name, expected);
    }
    names_done(&names);
}

static void test_dense(void **state)
{
    (void)state;
    check(14, 1);
}

static void test_sparse(void **state)
{
    (void)state;
    check(40, 2);
}

static void test_few_addresses(void **state)
{
    (void)state;
    check(3, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_dense),
            cmocka_unit_test(test_sparse),
            cmocka_unit_test(test_few_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
