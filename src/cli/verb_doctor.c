/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: what works on this machine, and how to mend the rest. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"
#include "collect/library.h"
#include "export/export.h"

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

static void doctor_library(struct doctor *doctor)
{
    char path[LIBRARY_PATH_MAX];
    struct diag diag = {""};
    bool found = library_find(path, &diag) == 0;
    doctor_line(doctor, found, true, "the library that goes into programs",
                *diag.text ? diag.text : "not found");
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

static void doctor_folder(struct doctor *doctor)
{
    doctor_line(doctor, access(".", W_OK | X_OK) == 0, false,
                "the working directory can be written",
                "outputs go to the state directory; name another place with -o");
}

static void doctor_page(struct doctor *doctor)
{
    doctor_line(doctor, export_has_html(), false, "the HTML report page",
                "this build has none: install node and npm and build again");
}

int verb_doctor(const struct cli *cli, const struct settings *settings)
{
    struct doctor doctor = {.can_record = true};
    doctor_library(&doctor);
    doctor_memory(&doctor);
    doctor_proc(&doctor);
    doctor_clock(&doctor);
    doctor_folder(&doctor);
    doctor_page(&doctor);
    text_add(&doctor.text, doctor.can_record
                                   ? "Programs can be recorded.\n"
                                   : "Programs cannot be recorded until that is mended.\n");
    int status = cli_print(cli, &doctor.text);
    text_done(&doctor.text);
    return status ? status : doctor.can_record ? STATUS_DONE : STATUS_LIMIT;
}
