/* SPDX-License-Identifier: Apache-2.0 */
/* Reads as much of a program's file as the kernel and the loader will look at. */
#include "launch/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
    PROGRAM_HEADERS_MAX = 256,
    PROGRAM_DYNAMIC_MAX = 4096,
    PROGRAM_STRINGS_MAX = 16 << 20,
    PROGRAM_PART = 64 << 10, /* of the strings, at a time: fresh pages cost more than to read */
    PROGRAM_WORD_MAX = 16,   /* at least what is looked for, with its 0 */
    PROGRAM_SCRIPT_DEPTH = 4,
};

static const char *const program_reach_texts[] = {
        [PROGRAM_REACHED] = NULL,
        [PROGRAM_STATIC] = "it is statically linked, so no library can be loaded into it",
        [PROGRAM_FOREIGN] = "it was built for another architecture",
        [PROGRAM_OTHER_LIBC] = "it uses a C library other than glibc",
        [PROGRAM_SET_ID] = "it changes its privileges at start, so the loader ignores preloads",
        [PROGRAM_SANITIZED] = "it was built with a sanitizer, which replaces malloc itself",
};

const char *program_reach_text(enum program_reach reach)
{
    return program_reach_texts[reach];
}

static bool program_is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISDIR(info.st_mode);
}

/* Looks argv0 up in PATH. 0, ERR_MISSING, or ERR_DENIED when only a non-executable was found. */
static int program_search(const char *argv0, char *path, size_t size)
{
    const char *folders = getenv("PATH");
    if (!folders)
        folders = "/bin:/usr/bin";
    int err = ERR_MISSING;
    while (*folders) {
        size_t n = strcspn(folders, ":");
        int length = n ? snprintf(path, size, "%.*s/%s", (int)n, folders, argv0)
                       : snprintf(path, size, "./%s", argv0);
        if (length > 0 && (size_t)length < size && program_is_file(path)) {
            if (access(path, X_OK) == 0)
                return 0;
            err = ERR_DENIED;
        }
        folders += n;
        folders += *folders == ':';
    }
    return err;
}

static bool program_read(int fd, void *to, size_t n, uint64_t at)
{
    return at < (uint64_t)1 << 62 && pread(fd, to, n, (off_t)at) == (ssize_t)n;
}

/* Names that the dynamic section's strings are searched for. */
static bool program_mentions(const char *strings, size_t n, const char *word)
{
    return memmem(strings, n, word, strlen(word) + 1) != NULL;
}

/* __asan_init, __tsan_init or __msan_init; one pass over the names of a large program is felt. */
static bool program_is_sanitized(const char *strings, size_t n)
{
    const char *at = strings, *end = strings + n;
    while ((at = memmem(at, (size_t)(end - at), "san_init", sizeof "san_init")) != NULL) {
        if (at - strings >= 3 && memcmp(at - 3, "__", 2) == 0 && strchr("atm", at[-1]))
            return true;
        at++;
    }
    return false;
}

static uint64_t program_offset_of(const Elf64_Phdr *segments, unsigned n, uint64_t address)
{
    for (unsigned i = 0; i < n; i++) {
        if (segments[i].p_type == PT_LOAD && address >= segments[i].p_vaddr &&
            address - segments[i].p_vaddr < segments[i].p_filesz)
            return address - segments[i].p_vaddr + segments[i].p_offset;
    }
    return UINT64_MAX;
}

/* Parts overlap by what a word may be long. */
static void program_read_strings(int fd, uint64_t at, uint64_t n, struct program *program)
{
    char *part = malloc(PROGRAM_PART);
    for (uint64_t done = 0; part && done < n; done += PROGRAM_PART - PROGRAM_WORD_MAX) {
        size_t part_n = n - done < PROGRAM_PART ? (size_t)(n - done) : PROGRAM_PART;
        if (!program_read(fd, part, part_n, at + done))
            break;
        if (program_mentions(part, part_n, "pthread_create"))
            program->imports_threads = true;
        if (program_is_sanitized(part, part_n))
            program->reach = PROGRAM_SANITIZED;
    }
    free(part);
}

/* Looks at what the dynamic section imports: sanitizer runtimes, thread creation. */
static void program_read_imports(int fd, const Elf64_Phdr *segments, unsigned segment_n,
                                 const Elf64_Phdr *dynamic, struct program *program)
{
    uint64_t strings_at = 0, strings_n = 0;
    for (uint64_t i = 0; i < dynamic->p_filesz / sizeof(Elf64_Dyn) && i < PROGRAM_DYNAMIC_MAX;
         i++) {
        Elf64_Dyn entry;
        if (!program_read(fd, &entry, sizeof entry, dynamic->p_offset + i * sizeof entry) ||
            entry.d_tag == DT_NULL)
            break;
        if (entry.d_tag == DT_STRTAB)
            strings_at = entry.d_un.d_ptr;
        else if (entry.d_tag == DT_STRSZ)
            strings_n = entry.d_un.d_val;
    }
    uint64_t offset = program_offset_of(segments, segment_n, strings_at);
    if (!strings_n || strings_n > PROGRAM_STRINGS_MAX || offset == UINT64_MAX)
        return;
    program_read_strings(fd, offset, strings_n, program);
}

static enum program_reach program_reach_of_loader(const char *loader)
{
    return strstr(loader, "ld-linux") ? PROGRAM_REACHED : PROGRAM_OTHER_LIBC;
}

static void program_read_elf(int fd, const Elf64_Ehdr *header, struct program *program)
{
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64 ||
        header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > PROGRAM_HEADERS_MAX) {
        program->reach = PROGRAM_FOREIGN;
        return;
    }
    Elf64_Phdr segments[PROGRAM_HEADERS_MAX];
    size_t bytes = header->e_phnum * sizeof *segments;
    if (!program_read(fd, segments, bytes, header->e_phoff))
        return;
    program->reach = PROGRAM_STATIC;
    for (unsigned i = 0; i < header->e_phnum; i++) {
        char loader[PROGRAM_PATH_MAX];
        size_t n = segments[i].p_filesz;
        if (segments[i].p_type != PT_INTERP || n == 0 || n >= sizeof loader ||
            !program_read(fd, loader, n, segments[i].p_offset))
            continue;
        loader[n] = 0;
        program->reach = program_reach_of_loader(loader);
    }
    for (unsigned i = 0; i < header->e_phnum && program->reach == PROGRAM_REACHED; i++) {
        if (segments[i].p_type == PT_DYNAMIC)
            program_read_imports(fd, segments, header->e_phnum, &segments[i], program);
    }
}

static bool program_gains_privileges(int fd)
{
    struct stat info;
    if (fstat(fd, &info) < 0)
        return false;
    bool set_uid = info.st_mode & S_ISUID && info.st_uid != geteuid();
    bool set_gid = info.st_mode & S_ISGID && info.st_gid != getegid();
    bool capable = geteuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
    return set_uid || set_gid || capable;
}

/* Looks at the file; for a script, at its interpreter. */
static void program_inspect(const char *path, struct program *program, int depth)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return; /* executable but not readable: it will run, and the preload with it */
    union {
        Elf64_Ehdr elf;
        char text[512];
    } start = {0};
    ssize_t n = pread(fd, &start, sizeof start - 1, 0);
    if (n >= (ssize_t)sizeof start.elf && memcmp(start.elf.e_ident, ELFMAG, SELFMAG) == 0) {
        program_read_elf(fd, &start.elf, program);
    } else if (n > 2 && memcmp(start.text, "#!", 2) == 0 && depth < PROGRAM_SCRIPT_DEPTH) {
        start.text[sizeof start.text - 1] = 0;
        char *name = start.text + 2 + strspn(start.text + 2, " \t");
        name[strcspn(name, " \t\n")] = 0;
        snprintf(program->interpreter, sizeof program->interpreter, "%s", name);
        program_inspect(program->interpreter, program, depth + 1);
    }
    if (program->reach == PROGRAM_REACHED && program_gains_privileges(fd))
        program->reach = PROGRAM_SET_ID;
    close(fd);
}

int program_find(const char *argv0, struct program *ret_program, struct diag *diag)
{
    struct program program = {.reach = PROGRAM_REACHED};
    int err = 0;
    if (strchr(argv0, '/')) {
        if ((size_t)snprintf(program.path, sizeof program.path, "%s", argv0) >= sizeof program.path)
            return diag_set(diag, ERR_MISSING, "the path of the program is too long");
        if (access(argv0, X_OK) < 0 || !program_is_file(argv0))
            err = errno == ENOENT || errno == ENOTDIR ? ERR_MISSING : ERR_DENIED;
    } else {
        err = *argv0 ? program_search(argv0, program.path, sizeof program.path) : ERR_MISSING;
    }
    if (err == ERR_DENIED)
        return diag_set(diag, err, "%s: found, but it cannot be executed (permission denied)",
                        argv0);
    if (err == ERR_MISSING && !strchr(argv0, '/') && *argv0 && access(argv0, X_OK) == 0)
        return diag_set(diag, err, "%s: not found in PATH; did you mean ./%s?", argv0, argv0);
    if (err == ERR_MISSING)
        return diag_set(diag, err, "%s: not found", *argv0 ? argv0 : "the empty name");
    program_inspect(program.path, &program, 0);
    *ret_program = program;
    return 0;
}
