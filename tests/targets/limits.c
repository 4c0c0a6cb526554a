/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 63, 64, 65: the program lowers a limit of its own and must get on as it does without
 * us. Argument: as, memlock, mlockall, nofile, fsize, nproc, data.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>

#include "ground.h"

static void limit_set(int which, rlim_t value)
{
    struct rlimit limit = {value, value};
    EXPECT(setrlimit((__rlimit_resource_t)which, &limit) == 0);
}

static void blocks_use(size_t n)
{
    for (size_t i = 0; i < n; i++)
        ground_free(ground_malloc(i % 700));
}

static void *thread_run(void *unused)
{
    blocks_use(5000);
    return unused;
}

static void threads_use(int n)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    int made = 0;
    for (int i = 0; i < n; i++) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, thread_run, NULL) == 0) {
            made++;
            pthread_join(thread, NULL);
        }
    }
    say("threads: %d of %d\n", made, n);
}

static size_t size_used(const char *field)
{
    static char text[8192];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *at = strstr(text, field);
    return at ? strtoul(at + strlen(field), NULL, 10) * 1024 : 0;
}

int main(int argc, char **argv)
{
    EXPECT(argc == 3);
    ground_open(argv[1]);
    const char *which = argv[2];
    blocks_use(1000);
    if (!strcmp(which, "as")) {
        /* As tight as a program can be that has measured itself: 1 MiB to spare. */
        limit_set(RLIMIT_AS, size_used("VmSize:") + (1 << 20));
        blocks_use(50000);
        void *big = malloc(64 << 20);
        say("64 MiB: %s, errno %d\n", big ? "there" : "refused", errno);
        threads_use(4);
    } else if (!strcmp(which, "memlock")) {
        limit_set(RLIMIT_MEMLOCK, 8 << 20);
        say("mlockall: %d\n", mlockall(MCL_CURRENT));
        threads_use(10);
    } else if (!strcmp(which, "mlockall")) {
        say("mlockall: %d\n", mlockall(MCL_CURRENT | MCL_FUTURE));
        threads_use(50);
    } else if (!strcmp(which, "nofile")) {
        limit_set(RLIMIT_NOFILE, 13);
        int n = 0;
        while (open("/dev/null", O_RDONLY) >= 0)
            n++;
        say("opened: %d, errno %d\n", n, errno);
        threads_use(10);
    } else if (!strcmp(which, "fsize")) {
        limit_set(RLIMIT_FSIZE, 1000);
        blocks_use(200000);
        threads_use(10);
    } else if (!strcmp(which, "nproc")) {
        threads_use(2);
        limit_set(RLIMIT_NPROC, 0);
        blocks_use(100000);
    } else if (!strcmp(which, "data")) {
        limit_set(RLIMIT_DATA, size_used("VmData:") + (1 << 20));
        blocks_use(100000);
    }
    blocks_use(1000);
    say("limit %s: done\n", which);
    return 0;
}
