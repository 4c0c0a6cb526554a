/* SPDX-License-Identifier: Apache-2.0 */
/* Hazard 35: blocks that libc makes and the program frees; oracle: valgrind's heap usage. */
#include <dirent.h>
#include <glob.h>
#include <limits.h>
#include <locale.h>
#include <netdb.h>
#include <regex.h>
#include <search.h>
#include <wchar.h>

#include "ground.h"

static void streams_use(void)
{
    char *text = NULL, *line = NULL;
    size_t size = 0, room = 0;
    FILE *memory = open_memstream(&text, &size);
    EXPECT(memory != NULL);
    for (int i = 0; i < 1000; i++)
        fprintf(memory, "line %d\n", i);
    fclose(memory);
    FILE *reading = fmemopen(text, size, "r");
    long lines = 0;
    while (getline(&line, &room, reading) > 0)
        lines++;
    fclose(reading);
    say("open_memstream: %zu bytes, %ld lines\n", size, lines);
    free(line);
    free(text);
}

int main(void)
{
    streams_use();
    for (int i = 0; i < 100; i++) {
        char *printed = NULL;
        EXPECT(asprintf(&printed, "%0*d", i * 10 + 1, i) > 0);
        char *copy = strdup(printed), *part = strndup(printed, 20);
        wchar_t *wide = wcsdup(L"wide");
        free(printed);
        free(copy);
        free(part);
        free(wide);
    }
    char *place = realpath("/proc/self/../..", NULL), *here = getcwd(NULL, 0);
    say("realpath %s, getcwd %s\n", place ? place : "-", here ? "worked" : "-");
    free(place);
    free(here);
    struct dirent **entry;
    int n = scandir("/dev/fd/..", &entry, NULL, alphasort);
    for (int i = 0; i < n; i++)
        free(entry[i]);
    if (n >= 0)
        free(entry);
    say("scandir: %s\n", n > 0 ? "some" : "none");
    glob_t found;
    say("glob: %d\n", glob("/et[c]/pass*d", 0, NULL, &found));
    globfree(&found);
    regex_t pattern;
    EXPECT(regcomp(&pattern, "(a|b)*c{2,5}[x-z]+", REG_EXTENDED) == 0);
    say("regex: %d\n", regexec(&pattern, "abccxyz", 0, NULL, 0));
    regfree(&pattern);
    void *root = NULL;
    tsearch("one", &root, (int (*)(const void *, const void *))strcmp);
    tdelete("one", &root, (int (*)(const void *, const void *))strcmp);
    struct addrinfo *address = NULL;
    struct addrinfo hint = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    say("getaddrinfo: %d\n", getaddrinfo("127.0.0.1", "80", &hint, &address));
    freeaddrinfo(address);
    say("locale: %s\n", setlocale(LC_ALL, "C.UTF-8") ? "C.UTF-8" : "none");
    char *old = setvbuf(stdout, NULL, _IOFBF, 0) ? NULL : (char *)"";
    printf("stdio: done%s\n", old ? old : "");
    return 0;
}
