/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: what works on this machine, and how to mend the rest. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/doctor_trial.h"
#include "collect/control_place.h"
#include "collect/library.h"
#include "export/export.h"

enum {
    DOCTOR_FILES_LEAST = 64,
    DOCTOR_PAGE_BYTES = 4096,
};

#define DOCTOR_ROOM_LEAST ((uint64_t)64 << 20)
#define DOCTOR_ADDRESSES_LEAST ((uint64_t)1 << 30)

struct doctor {
    struct text text;
    bool can_record;
};

/* One line: "ok" or what is missing, and what it means. */
static void doctor_line(struct doctor *doctor, bool ok, bool is_needed, const char *what,
                        const char *mend)
{
    text_printf(&doctor->text, "%-5s %s", ok ? "ok" : is_needed ? "FAIL" : "note", what);
    if (!ok)
        text_printf(&doctor->text, ": %s", mend);
    text_add_char(&doctor->text, '\n');
    doctor->can_record = doctor->can_record && (ok || !is_needed);
}

/* Whether code of the file may be mapped: a file system may be mounted noexec. */
static bool doctor_is_executable(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *at = fd < 0 ? MAP_FAILED
                      : mmap(NULL, DOCTOR_PAGE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    if (at != MAP_FAILED)
        munmap(at, DOCTOR_PAGE_BYTES);
    if (fd >= 0)
        close(fd);
    return at != MAP_FAILED;
}

static void doctor_library(struct doctor *doctor)
{
    char path[LIBRARY_PATH_MAX];
    struct diag diag = {""};
    bool found = library_find(path, &diag) == 0;
    doctor_line(doctor, found, true, "the library that goes into programs",
                *diag.text ? diag.text : "not found");
    if (!found)
        return;
    bool same = library_check(path, &diag) == 0;
    doctor_line(doctor, same, true, "it is of this build", diag.text);
    doctor_line(doctor, doctor_is_executable(path), true, "programs may load it",
                "its file system is mounted noexec: install memscope elsewhere");
}

static void doctor_memory(struct doctor *doctor)
{
    int fd = memfd_create("memscope-doctor", MFD_CLOEXEC);
    doctor_line(doctor, fd >= 0, true, "shared memory without a file (memfd_create)",
                "the kernel or a sandbox refuses it; programs can only run unrecorded");
    if (fd >= 0)
        close(fd);
}

static void doctor_proc(struct doctor *doctor)
{
    bool there = access("/proc/self/maps", R_OK) == 0 && access("/proc/self/exe", R_OK) == 0;
    doctor_line(doctor, there, true, "/proc", "mount it: mount -t proc proc /proc");
}

static void doctor_clock(struct doctor *doctor)
{
    static const char name[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    char *source = NULL;
    size_t n = 0;
    struct diag diag = {""};
    bool tsc = file_read_all(name, 256, &source, &n, &diag) == 0 && strncmp(source, "tsc", 3) == 0;
    doctor_line(doctor, tsc, false, "the processor's clock (clocksource tsc)",
                "another clock is in use; order is kept by a shared counter, times are coarser");
    free(source);
}

/* Soft limits that this process, and so whatever it starts, has. */
static void doctor_limits(struct doctor *doctor)
{
    struct rlimit files, addresses, file;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        doctor_line(doctor, files.rlim_cur >= DOCTOR_FILES_LEAST, true, "open files (ulimit -n)",
                    "memscope and its helpers need 64: ulimit -n 1024");
    if (getrlimit(RLIMIT_AS, &addresses) == 0)
        doctor_line(
                doctor, addresses.rlim_cur >= DOCTOR_ADDRESSES_LEAST, false,
                "address space (ulimit -v)",
                "below 1 GB memscope's own part may push a program over it: ulimit -v unlimited");
    if (getrlimit(RLIMIT_FSIZE, &file) == 0)
        doctor_line(doctor, file.rlim_cur >= DOCTOR_ROOM_LEAST, false, "size of files (ulimit -f)",
                    "recordings may be cut: ulimit -f unlimited");
}

static void doctor_folder(struct doctor *doctor)
{
    struct statvfs room;
    bool writable = access(".", W_OK | X_OK) == 0;
    doctor_line(doctor, writable, false, "the working directory can be written",
                "outputs go to the state directory; name another place with -o");
    if (writable && statvfs(".", &room) == 0)
        doctor_line(doctor, (uint64_t)room.f_bavail * room.f_frsize >= DOCTOR_ROOM_LEAST, false,
                    "room for recordings",
                    "less than 64 MB are left there; name another place with -o");
}

/* Without it a recorder learns of a program's end from /proc, a moment later. */
static void doctor_ends(struct doctor *doctor)
{
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    doctor_line(doctor, fd >= 0, false, "ends of programs (pidfd_open)",
                "the kernel or a sandbox refuses it; ends are noticed a moment later");
    if (fd >= 0)
        close(fd);
}

static void doctor_control(struct doctor *doctor)
{
    struct control_place place;
    struct diag diag = {""};
    bool made = control_place_make(&place, &diag) == 0;
    doctor_line(doctor, made, false, "ps, live, snapshot, stop and ctl (control sockets)",
                *diag.text ? diag.text : "no folder");
    if (made)
        control_place_done(&place);
}

static void doctor_resident(struct doctor *doctor)
{
    doctor_line(doctor, access("/proc/self/smaps", R_OK) == 0, false,
                "parts of resident memory (/proc/PID/smaps)",
                "the kernel was built without it; only the sum is told");
}

static void doctor_names(struct doctor *doctor)
{
    struct stat status;
    doctor_line(doctor, stat("/usr/lib/debug/.build-id", &status) == 0, false,
                "debug files of installed packages (/usr/lib/debug)",
                "lines of system libraries stay unknown: install -dbgsym packages, or ask a server "
                "later with memscope symbolize --debuginfod");
}

static void doctor_page(struct doctor *doctor)
{
    doctor_line(doctor, export_has_html(), false, "the HTML report page",
                "this build has none: install node and npm and build again");
}

/* All of it at once; what is missing by itself has been said before. */
static void doctor_record(struct doctor *doctor)
{
    struct text why = {0};
    bool recorded = doctor_trial(&why);
    doctor_line(doctor, recorded, true, "a trial: memscope records itself", text_string(&why));
    text_done(&why);
}

int verb_doctor(const struct cli *cli, const struct settings *settings)
{
    struct doctor doctor = {.can_record = true};
    doctor_library(&doctor);
    doctor_memory(&doctor);
    doctor_proc(&doctor);
    doctor_clock(&doctor);
    doctor_limits(&doctor);
    doctor_folder(&doctor);
    doctor_ends(&doctor);
    doctor_control(&doctor);
    doctor_resident(&doctor);
    doctor_names(&doctor);
    doctor_page(&doctor);
    doctor_record(&doctor);
    text_add(&doctor.text, doctor.can_record
                                   ? "Programs can be recorded.\n"
                                   : "Programs cannot be recorded until that is mended.\n");
    int status = cli_print(cli, &doctor.text);
    text_done(&doctor.text);
    return status ? status : doctor.can_record ? STATUS_DONE : STATUS_LIMIT;
}
