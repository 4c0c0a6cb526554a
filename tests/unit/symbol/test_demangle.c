/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of readable names; the expected ones follow from the mangling's published rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "symbol/symbol.h"

static void expect(const char *mangled, const char *wanted)
{
    struct text text = {0};
    bool done = symbol_demangle(&text, mangled);
    assert_int_equal(done, wanted != NULL);
    assert_string_equal(text_string(&text), wanted ? wanted : "");
    text_done(&text);
}

static void test_cpp(void **state)
{
    (void)state;
    expect("_ZN3foo3barEv", "foo::bar()");
    expect("_ZNSt6vectorIiSaIiEE9push_backERKi",
           "std::vector<int, std::allocator<int> >::push_back(int const&)");
    expect("_ZZ4mainENKUliE_clEi", "main::{lambda(int)#1}::operator()(int) const");
    expect("_ZL5startv.cold", "start() [clone .cold]");
}

static void test_rust(void **state)
{
    (void)state;
    expect("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write");
    expect("_ZN4core3fmt5write17h0123456789abcdefE.llvm.1234", "core::fmt::write");
    expect("_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$"
           "3bar17h930b740aa94f1d3aE",
           "<Test + 'static as foo::Bar<Test>>::bar");
    expect("_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar");
    expect("_RINvNtC3std3mem8align_ofNtNtC3std3mem12DiscriminantE",
           "std::mem::align_of::<std::mem::Discriminant>");
}

static void test_plain(void **state)
{
    (void)state;
    expect("main", NULL);
    expect("", NULL);
    expect("_", NULL);
    expect("_Z", NULL);
    expect("_R", NULL);
    expect("_ZN", NULL);
    expect("_ZN99999999999999999999foo3barEv", NULL);
}

static void test_appends(void **state)
{
    (void)state;
    struct text text = {0};
    text_add(&text, "at ");
    assert_false(symbol_demangle(&text, "_ZNfoo"));
    assert_string_equal(text_string(&text), "at ");
    assert_true(symbol_demangle(&text, "_Z3foov"));
    assert_string_equal(text_string(&text), "at foo()");
    text_done(&text);
}

/* Each template argument names the pair before it twice: the name doubles with every step. */
static void test_bomb(void **state)
{
    (void)state;
    struct text mangled = {0};
    text_add(&mangled, "_Z1fI1AIiiE");
    static const char digits[] = "0123456789ABCDEFGHIJ";
    for (size_t i = 0; i < 18; i++)
        text_printf(&mangled, "S_IS%c_S%c_E", digits[i], digits[i]);
    text_add(&mangled, "EvT_");
    struct text text = {0};
    if (symbol_demangle(&text, mangled.bytes))
        assert_true(text.n <= SYMBOL_NAME_BYTES_MAX);
    else
        assert_int_equal(text.n, 0);
    text_done(&text);
    text_done(&mangled);
}

/* A long name is read, a longer one is left as it is, the longest is not looked at. */
static void test_long(void **state)
{
    (void)state;
    static const size_t inner[] = {500, 2000, 8000, 9000, SYMBOL_NAME_BYTES_MAX};
    for (size_t i = 0; i < 5; i++) {
        struct text mangled = {0};
        text_printf(&mangled, "_Z%zu", inner[i]);
        for (size_t k = 0; k < inner[i]; k++)
            text_add_char(&mangled, 'x');
        text_add(&mangled, "v");
        struct text text = {0};
        assert_int_equal(symbol_demangle(&text, mangled.bytes), i < 3);
        assert_int_equal(text.n, i < 3 ? inner[i] + 2 : 0);
        text_done(&text);
        text_done(&mangled);
    }
}

/* The deepest name that is tried: pointers to pointers to ... */
static void test_deep(void **state)
{
    (void)state;
    struct text mangled = {0};
    text_add(&mangled, "_Z1f");
    while (mangled.n < (8 << 10) - 1)
        text_add_char(&mangled, 'P');
    text_add(&mangled, "i");
    struct text text = {0};
    symbol_demangle(&text, mangled.bytes);
    assert_true(text.n <= SYMBOL_NAME_BYTES_MAX);
    text_done(&text);
    text_done(&mangled);
}

static void test_noise(void **state)
{
    (void)state;
    uint64_t seed = 1;
    static const char letters[] = "_ZRNIESTKPvij0123456789$..uCsMYbLdfo";
    for (int round = 0; round < 20000; round++) {
        char name[40] = "_Z";
        name[1] = round % 2 ? 'Z' : 'R';
        for (size_t i = 2; i < sizeof name - 1; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            name[i] = letters[(seed >> 33) % (sizeof letters - 1)];
        }
        struct text text = {0};
        symbol_demangle(&text, name);
        assert_true(text.n <= SYMBOL_NAME_BYTES_MAX);
        text_done(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_cpp),   cmocka_unit_test(test_rust),
            cmocka_unit_test(test_plain), cmocka_unit_test(test_appends),
            cmocka_unit_test(test_bomb),  cmocka_unit_test(test_long),
            cmocka_unit_test(test_deep),  cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
