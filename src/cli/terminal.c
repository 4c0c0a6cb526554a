/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the terminal, the locale and the environment. */
#include "cli/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TERMINAL_COLUMNS_DEFAULT = 80 };

static bool terminal_on(const char *wish)
{
    return wish && *wish && strcmp(wish, "0") != 0;
}

bool terminal_wants_color(enum settings_color when, const struct terminal_wishes *wishes,
                          bool is_tty)
{
    if (when != COLOR_AUTO)
        return when == COLOR_ALWAYS;
    if (wishes->no_color && *wishes->no_color)
        return false;
    if (terminal_on(wishes->clicolor_force) || terminal_on(wishes->force_color))
        return true;
    return is_tty && wishes->term && *wishes->term && strcmp(wishes->term, "dumb") != 0;
}

static unsigned terminal_columns(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col)
        return size.ws_col;
    const char *columns = getenv("COLUMNS");
    unsigned long n =
            columns && *columns >= '0' && *columns <= '9' ? strtoul(columns, NULL, 10) : 0;
    return n >= 20 && n <= 1000 ? (unsigned)n : TERMINAL_COLUMNS_DEFAULT;
}

static bool terminal_utf8(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (!locale)
        return false;
    bool utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return utf8;
}

struct terminal terminal_of(int fd, enum settings_color when)
{
    struct terminal_wishes wishes = {.no_color = getenv("NO_COLOR"),
                                     .clicolor_force = getenv("CLICOLOR_FORCE"),
                                     .force_color = getenv("FORCE_COLOR"),
                                     .term = getenv("TERM")};
    bool is_tty = isatty(fd);
    return (struct terminal){.columns = terminal_columns(fd),
                             .is_tty = is_tty,
                             .utf8 = terminal_utf8(),
                             .color = terminal_wants_color(when, &wishes, is_tty)};
}
