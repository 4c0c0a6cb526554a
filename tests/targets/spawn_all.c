/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 21, 24: children through system, popen, posix_spawn(p) and fork with exec; each counts
 * its blocks in the same page as its parent. Argument: counts page [child].
 */
#include <spawn.h>
#include <sys/wait.h>

#include "ground.h"

static void blocks_use(void)
{
    for (size_t i = 0; i < 1000; i++)
        ground_free(ground_malloc(i));
}

int main(int argc, char **argv)
{
    EXPECT(argc >= 2);
    ground_open(argv[1]);
    blocks_use();
    if (argc > 2) {
        say("%s here\n", argv[2]);
        return 5;
    }
    char command[4000];
    snprintf(command, sizeof command, "'%s' '%s' system", argv[0], argv[1]);
    int status = system(command);
    say("system: %d\n", WEXITSTATUS(status));
    snprintf(command, sizeof command, "exec '%s' '%s' popen", argv[0], argv[1]);
    FILE *pipe = popen(command, "r");
    char line[100] = "";
    EXPECT(pipe && fgets(line, sizeof line, pipe));
    say("popen: %s", line);
    say("pclose: %d\n", WEXITSTATUS(pclose(pipe)));
    char *words[] = {argv[0], argv[1], (char *)"spawn", NULL};
    pid_t child;
    EXPECT(posix_spawn(&child, argv[0], NULL, NULL, words, environ) == 0);
    EXPECT(waitpid(child, &status, 0) == child);
    say("posix_spawn: %d\n", WEXITSTATUS(status));
    words[2] = (char *)"spawnp";
    EXPECT(posix_spawnp(&child, argv[0], NULL, NULL, words, environ) == 0);
    EXPECT(waitpid(child, &status, 0) == child);
    say("posix_spawnp: %d\n", WEXITSTATUS(status));
    child = fork();
    if (child == 0) {
        execlp(argv[0], argv[0], argv[1], "exec", (char *)NULL);
        _exit(127);
    }
    EXPECT(waitpid(child, &status, 0) == child);
    say("fork and exec: %d\n", WEXITSTATUS(status));
    say("system without a shell's consent: %d\n", WEXITSTATUS(system("exit 3")));
    say("shell there: %d\n", system(NULL) != 0);
    return 0;
}
