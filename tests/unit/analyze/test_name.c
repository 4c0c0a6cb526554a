/* SPDX-License-Identifier: Apache-2.0 */
/* Short names of functions of several languages, and which of them are plumbing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/name.h"

static void names_become_short(void **state)
{
    static const char *const cases[][2] = {
            {"main", "main"},
            {"parse_line", "parse_line"},
            {"std::vector<int, std::allocator<int> >::push_back(int const&)",
             "std::vector::push_back"},
            {"void foo<int>(int)", "foo"},
            {"std::string join<std::list<int>>(std::list<int> const&, char)", "join"},
            {"operator new(unsigned long)", "operator new"},
            {"operator new[](unsigned long)", "operator new"},
            {"Foo::operator()(int) const", "Foo::operator()"},
            {"bool operator<(A const&, B const&)", "operator<"},
            {"std::ostream& operator<<<char>(std::ostream&, char)", "operator<<"},
            {"A::operator->() const", "A::operator->"},
            {"(anonymous namespace)::helper(int)", "(anonymous)::helper"},
            {"ns::(anonymous namespace)::C::f()", "ns::(anonymous)::C::f"},
            {"main::{lambda(int)#1}::operator()(int) const", "main::{lambda}::operator()"},
            {"f(int)::Local::g(char)", "f::Local::g"},
            {"serde_json::de::from_slice", "serde_json::de::from_slice"},
            {"alloc::vec::Vec<T,A>::push", "alloc::vec::Vec::push"},
            {"alloc::vec::Vec<u8>::with_capacity::h0123456789abcdef",
             "alloc::vec::Vec::with_capacity"},
            {"<alloc::vec::Vec<T> as core::iter::Extend<T>>::extend", "alloc::vec::Vec::extend"},
            {"<my::Type as core::clone::Clone>::clone", "my::Type::clone"},
            {"<<my::Type as core::fmt::Display>::fmt::Writer as std::io::Write>::write",
             "my::Type::fmt::Writer::write"},
            {"<impl core::fmt::Display for my::Type>::fmt", "my::Type::fmt"},
            {"<&mut my::Reader as std::io::Read>::read", "my::Reader::read"},
            {"<dyn my::Trait>::call", "my::Trait::call"},
            {"alloc::slice::<impl [T]>::into_vec", "alloc::slice::into_vec"},
            {"<[T] as alloc::borrow::ToOwned>::to_owned", "slice::to_owned"},
            {"my::run::{{closure}}::h0123456789abcdef", "my::run::{closure}"},
            {"core::iter::Map<I,fn(u8) -> u16>::next", "core::iter::Map::next"},
            {"Vec::<u8>::new", "Vec::new"},
            {"compute.cold", "compute"},
            {"compute.isra.0", "compute"},
            {"compute [clone .part.0]", "compute"},
            {"f[abi:cxx11](int)", "f"},
            {"main.(*Server).Serve", "main."},
            {"<", "<"},
            {"<>", "<>"},
            {"(", "("},
            {"a<b", "a"},
            {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text = {0};
        name_add_short(&text, cases[i][0]);
        if (strcmp(text_string(&text), cases[i][1]) != 0)
            fail_msg("'%s' became '%s', not '%s'", cases[i][0], text_string(&text), cases[i][1]);
        text_done(&text);
    }
}

/* No shape of brackets may hang, overflow the stack, or read beyond the end. */
static void names_answer_from_any_scope_on(void **state)
{
    static const struct {
        const char *name, *wanted;
        bool answers;
    } cases[] = {
            {"main", "main", true},
            {"main", "", false},
            {"main", "mai", false},
            {"main", "ain", false},
            {"a::Box<x::y>::fill(int)", "a::Box<x::y>::fill(int)", true},
            {"a::Box<x::y>::fill(int)", "a::Box<x::y>::fill", true},
            {"a::Box<x::y>::fill(int)", "Box<x::y>::fill", true},
            {"a::Box<x::y>::fill(int)", "fill", true},
            {"a::Box<x::y>::fill(int)", "Box<x::z>::fill", false},
            {"a::Box<x::y>::fill(int)", "a::Box", false},
            {"a::Box<x::y>::fill(int)", "y", false},
            {"a::Box<x::y>::fill(int)", "int", false},
            {"a::Box::fill", "Box::fill", true},
            {"a::Box::fill", "ox::fill", false},
            {"a::Box::fill", "::fill", false},
            {"void a::put<int>(int) const", "a::put<int>", true},
            {"void a::put<int>(int) const", "void", false},
            {"a::(anonymous namespace)::f()", "(anonymous namespace)::f", true},
            {"a::(anonymous namespace)::f()", "f", true},
            {"a::(anonymous namespace)::f()", "a", false},
            {"run(int)::{lambda()#1}::operator()(int) const", "operator()", true},
            {"run(int)::{lambda()#1}::operator()(int) const", "run", false},
            {"a::B::operator<<(int)", "B::operator<<", true},
            {"a::B::operator<<", "operator<", false},
            {"<v::Vec<T> as c::Clone>::clone", "clone", true},
            {"<v::Vec<T> as c::Clone>::clone", "Clone>::clone", false},
            {"libz.so.1+0x12", "libz.so.1+0x12", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (name_answers_to(cases[i].name, cases[i].wanted) != cases[i].answers)
            fail_msg("%s: %s", cases[i].name, cases[i].wanted);
    }
}

static void hostile_names_are_survived(void **state)
{
    static const char alphabet[] = "<>()[]{}:, -*&a~";
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        char name[64];
        size_t n = (seed >> 8) % (sizeof name - 1);
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            name[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        name[n] = 0;
        char *tight = strdup(name); /* so that a checker sees any step beyond */
        struct text text = {0};
        name_add_short(&text, tight);
        assert_int_equal(text.n == 0, n == 0);
        for (size_t i = 0; i < n; i++)
            (void)name_answers_to(tight, tight + i);
        text_done(&text);
        free(tight);
    }
    enum { LONG = 200000 };
    char *name = malloc(LONG + 1);
    memset(name, '<', LONG);
    name[LONG] = 0;
    struct text text = {0};
    name_add_short(&text, name);
    assert_true(text.n > 0);
    text_done(&text);
    free(name);
}

static void plumbing_is_known(void **state)
{
    static const struct {
        const char *name, *module;
        bool plumbing;
        const char *file;
    } cases[] = {
            {"malloc", "libc.so.6", true, NULL},
            {"operator new", "libstdc++.so.6", true, NULL},
            {"std::vector::push_back", "app", true, NULL},
            {"alloc::raw_vec::RawVec::reserve", "app", true, NULL},
            {"__rust_alloc", "app", true, NULL},
            {"hashbrown::raw::RawTable::reserve_rehash", "app", true, NULL},
            {"PyObject_Malloc", "libpython3.11.so.1.0", true, NULL},
            {"anything", "libmemscope.so", true, NULL},
            {"main", "app", false, NULL},
            {"serde_json::de::from_slice", "app", false, NULL},
            {"allocate_order", "app", false, NULL},
            {"std_like", "app", false, NULL},
            {"mallocate", "app", false, NULL},
            {"core_loop", "app", false, NULL},
            {"str::repeat", "app", true, "/rustc/59807616/library/alloc/src/str.rs"},
            {"_M_grow", "app", true, "/usr/include/c++/12/bits/deque.tcc"},
            {"repeat", "app", false, "/src/library/repeat.rs"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (name_is_plumbing(cases[i].name, cases[i].module, cases[i].file ? cases[i].file : "") !=
            cases[i].plumbing)
            fail_msg("%s in %s", cases[i].name, cases[i].module);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(names_become_short),
            cmocka_unit_test(names_answer_from_any_scope_on),
            cmocka_unit_test(hostile_names_are_survived),
            cmocka_unit_test(plumbing_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
