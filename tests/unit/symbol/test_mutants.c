/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damaged ELF files through the helper: each address is answered, no crash of ours, no hang.
 *
 * The victim is this program itself, with its debug information. Each mutant has bytes changed in
 * one part of it: file header, section headers, or one of the sections that the reader believes.
 * Changed are bits, bytes to extreme values, or runs to noise; some are cut short.
 */
#include <elf.h>
#include <fcntl.h>
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

#include "symbol/client_state.h"

#include "sanitizer.h"

enum {
    MUTANTS = 240,
    MUTANT_ADDRESSES = 200,
    MUTANT_WAIT_S = 60,
};

/* Read by the sanitizers, where there are any, before main begins. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
    return "exitcode=99:handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigfpe=0:"
           "detect_leaks=0:allocator_may_return_null=1";
}

static unsigned char *victim;
static size_t victim_n;
static uint64_t random_state;
static size_t answered_n, named_n;

static uint64_t random_next(uint64_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (random_state >> 20) % below;
}

static void count(void *context, uint32_t module, uint64_t offset,
                  const struct symbol_frame *frames, size_t n)
{
    (void)context;
    (void)module;
    (void)offset;
    answered_n++;
    named_n += n && frames[0].function;
}

static int victim_read(void **state)
{
    (void)state;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        return -1;
    victim_n = (size_t)status.st_size;
    victim = malloc(victim_n);
    size_t at = 0;
    ssize_t n;
    while (victim && at < victim_n && (n = read(fd, victim + at, victim_n - at)) > 0)
        at += (size_t)n;
    close(fd);
    return at == victim_n ? 0 : -1;
}

static int victim_free(void **state)
{
    (void)state;
    free(victim);
    return 0;
}

/* A part of the file that the reader believes: offset and length. */
static void choose_part(const unsigned char *bytes, size_t *ret_at, size_t *ret_n)
{
    Elf64_Ehdr header;
    memcpy(&header, bytes, sizeof header);
    uint64_t kind = random_next(8);
    *ret_at = kind == 1 ? header.e_shoff : 0;
    *ret_n = kind == 1 ? (size_t)header.e_shnum * sizeof(Elf64_Shdr) : sizeof header;
    if (kind < 2)
        return;
    for (int tries = 0; tries < 200; tries++) {
        Elf64_Shdr section, names;
        memcpy(&section, bytes + header.e_shoff + random_next(header.e_shnum) * sizeof section,
               sizeof section);
        memcpy(&names, bytes + header.e_shoff + header.e_shstrndx * sizeof names, sizeof names);
        const char *name = (const char *)bytes + names.sh_offset + section.sh_name;
        bool is_read = strncmp(name, ".debug_", 7) == 0 || strstr(name, "symtab") ||
                       strstr(name, "strtab") || strstr(name, ".note");
        if (is_read && section.sh_type != SHT_NOBITS && section.sh_size) {
            *ret_at = section.sh_offset;
            *ret_n = section.sh_size;
            return;
        }
    }
}

static void mutate(unsigned char *bytes, size_t *n)
{
    size_t part_at, part_n;
    choose_part(bytes, &part_at, &part_n);
    size_t changes = 1 + random_next(part_n > 4096 ? 64 : 6);
    static const unsigned char extremes[] = {0x00, 0xff, 0x7f, 0x80, 0x01};
    for (size_t i = 0; i < changes; i++) {
        size_t at = part_at + random_next(part_n);
        size_t run = 1 + random_next(random_next(4) ? 1 : 24);
        uint64_t how = random_next(3);
        for (size_t k = 0; k < run && at + k < part_at + part_n; k++) {
            if (how == 0)
                bytes[at + k] ^= (unsigned char)(1u << random_next(8));
            else if (how == 1)
                bytes[at + k] = extremes[random_next(sizeof extremes)];
            else
                bytes[at + k] = (unsigned char)random_next(256);
        }
    }
    if (random_next(12) == 0)
        *n = random_next(*n);
}

static void write_file(const char *path, const unsigned char *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    size_t at = 0;
    while (at < n) {
        ssize_t wrote = write(fd, bytes + at, n - at);
        assert_true(wrote > 0);
        at += (size_t)wrote;
    }
    close(fd);
}

/* Addresses over the whole of .text. */
static void submit_text(struct symbol_client *client, uint32_t module)
{
    Elf64_Ehdr header;
    memcpy(&header, victim, sizeof header);
    for (size_t i = 0; i < header.e_shnum; i++) {
        Elf64_Shdr section;
        memcpy(&section, victim + header.e_shoff + i * sizeof section, sizeof section);
        if (section.sh_size < MUTANT_ADDRESSES || !(section.sh_flags & SHF_EXECINSTR) ||
            section.sh_size < victim_n / 50)
            continue;
        for (uint64_t k = 0; k < MUTANT_ADDRESSES; k++) {
            uint64_t offset = section.sh_addr + k * section.sh_size / MUTANT_ADDRESSES;
            assert_int_equal(symbol_client_submit(client, module, &offset, 1), 0);
        }
        return;
    }
    fail_msg("no .text");
}

/* Returns how often the helper died. */
static uint32_t try_file(const char *path)
{
    struct symbol_client *client;
    struct diag diag = {0};
    struct symbol_limits limits = {
            .memory_bytes = UINT64_C(1) << 30,
            .sanitizer = TEST_IS_SANITIZED,
            .silent_cpu_ms = 5000,
    };
    assert_int_equal(symbol_client_new(NULL, &limits, count, NULL, &client, &diag), 0);
    struct symbol_module module = {.path = path, .fd = -1};
    uint32_t index;
    assert_int_equal(symbol_client_module(client, &module, &index), 0);
    answered_n = named_n = 0;
    submit_text(client, index);
    uint64_t deadline_ns = client_now_ns() + MUTANT_WAIT_S * UINT64_C(1000000000);
    assert_int_equal(symbol_client_drain(client, deadline_ns), 0);
    assert_int_equal(answered_n, MUTANT_ADDRESSES);
    uint32_t failures = symbol_client_failures(client, &diag);
    if (failures && strstr(diag.text, "with status"))
        fail_msg("%s", diag.text);
    symbol_client_free(client);
    return failures;
}

static void test_mutants(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "/tmp/memscope-mutant-%d", (int)getpid());
    write_file(path, victim, victim_n);
    assert_int_equal(try_file(path), 0);
    assert_true(named_n > MUTANT_ADDRESSES / 2);
    unsigned char *bytes = malloc(victim_n);
    assert_non_null(bytes);
    uint32_t died = 0;
    size_t read_n = 0;
    for (uint64_t seed = 1; seed <= MUTANTS; seed++) {
        random_state = seed * 0x9e3779b97f4a7c15u;
        memcpy(bytes, victim, victim_n);
        size_t n = victim_n;
        mutate(bytes, &n);
        write_file(path, bytes, n);
        died += try_file(path) != 0;
        read_n += named_n > 0;
    }
    unlink(path);
    free(bytes);
    print_message("%d mutants: %zu gave names, %u ended a helper\n", MUTANTS, read_n, died);
    /* Mutants that nothing can be read of would prove little. */
    assert_true(read_n > MUTANTS / 3);
}

/* A section that unpacks to far more than the file: refused before it is unpacked. */
static void test_bomb(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "/tmp/memscope-bomb-%d", (int)getpid());
    unsigned char *bytes = malloc(victim_n);
    assert_non_null(bytes);
    memcpy(bytes, victim, victim_n);
    Elf64_Ehdr header;
    memcpy(&header, bytes, sizeof header);
    for (size_t i = 1; i < header.e_shnum; i++) {
        Elf64_Shdr section;
        unsigned char *at = bytes + header.e_shoff + i * sizeof section;
        memcpy(&section, at, sizeof section);
        if (section.sh_type != SHT_PROGBITS || section.sh_flags || section.sh_size < 64)
            continue;
        Elf64_Chdr packed = {.ch_type = ELFCOMPRESS_ZLIB, .ch_size = UINT64_C(1) << 40};
        packed.ch_addralign = 1;
        memcpy(bytes + section.sh_offset, &packed, sizeof packed);
        section.sh_flags |= SHF_COMPRESSED;
        memcpy(at, &section, sizeof section);
    }
    write_file(path, bytes, victim_n);
    struct symbolizer *symbolizer = symbolizer_new(NULL);
    assert_non_null(symbolizer);
    struct symbol_module module = {.path = path, .fd = -1};
    uint32_t index;
    assert_int_equal(symbolizer_module_add(symbolizer, &module, SYMBOL_LEVEL_FULL, &index), 0);
    assert_int_equal(symbolizer_resolve(symbolizer, index, NULL, 0, NULL, NULL), 0);
    assert_int_equal(symbolizer_module_flags(symbolizer, index),
                     SYMBOL_OVER_LIMIT | SYMBOL_MISSING);
    symbolizer_free(symbolizer);
    unlink(path);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_mutants),
            cmocka_unit_test(test_bomb),
    };
    return cmocka_run_group_tests(tests, victim_read, victim_free);
}
