/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command and writes what the kernel says of each of its processes at its very end: a line
 * `pid VmHWM-in-kB name` each. By ptrace, which stops a process when it begins to exit, however
 * that came about; it is the oracle for what memscope says of resident memory.
 *
 * usage: high_water FILE COMMAND...
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STOPPED_EVENT = 16 };

static void high_water_write(FILE *to, int pid)
{
    char path[64], line[256], name[64] = "";
    long tgid = 0, high = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *from = fopen(path, "re");
    while (from && fgets(line, sizeof line, from)) {
        if (sscanf(line, "Name: %63[^\n]", name) == 1 || sscanf(line, "Tgid: %ld", &tgid) == 1)
            continue;
        sscanf(line, "VmHWM: %ld", &high);
    }
    if (from)
        fclose(from);
    if (high)
        fprintf(to, "%ld %ld %s\n", tgid, high, name);
    fflush(to);
}

/* What the stopped process is to go on with. */
static void high_water_go_on(FILE *to, int pid, int status)
{
    int event = status >> STOPPED_EVENT, number = WSTOPSIG(status);
    if (event == PTRACE_EVENT_EXIT)
        high_water_write(to, pid);
    if (event == PTRACE_EVENT_STOP && number != SIGTRAP)
        ptrace(PTRACE_LISTEN, pid, NULL, NULL);
    else
        ptrace(PTRACE_CONT, pid, NULL, event ? NULL : (void *)(long)number);
}

static int high_water_watch(FILE *to, pid_t root)
{
    int status;
    for (;;) {
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0 && errno != EINTR)
            return 125;
        if (pid < 0)
            continue;
        if (WIFSTOPPED(status))
            high_water_go_on(to, pid, status);
        else if (pid == root)
            break;
    }
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status));
    }
    return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    FILE *to = argc > 2 ? fopen(argv[1], "we") : NULL;
    int go[2];
    char byte = 0;
    if (!to || pipe(go) < 0)
        return 125;
    pid_t root = fork();
    if (root == 0) {
        close(go[1]);
        if (read(go[0], &byte, 1) != 1)
            _exit(125);
        close(go[0]);
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    long events = PTRACE_O_TRACEEXIT | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                  PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
    close(go[0]);
    if (root < 0 || ptrace(PTRACE_SEIZE, root, NULL, (void *)events) < 0)
        return 125;
    if (write(go[1], &byte, 1) != 1)
        return 125;
    close(go[1]);
    return high_water_watch(to, root);
}
