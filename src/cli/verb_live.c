/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live: what a recorded program holds, again and again. On a terminal the view is redrawn in place
 * until q or Ctrl-C; elsewhere, or with --plain, views follow each other with an empty line
 * between.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/live_view.h"
#include "cli/load.h"
#include "cli/running.h"
#include "cli/terminal.h"

static const double live_once_s = 0.5; /* over which growth is seen with --once */

enum { LIVE_TIMEOUT_S = 20, LIVE_PLAIN_ROWS = 20, LIVE_LINES_ELSE = 18, LIVE_LINES_LEAST = 3 };

struct live {
    struct control_session session;
    struct live_memory memory;
    struct live_style style;
    bool redraws;
    struct text text; /* the newest view */
};

static volatile sig_atomic_t live_interrupted;

static void live_interrupt(int number)
{
    live_interrupted = 1;
}

/* The lines that are left for sites on this terminal. */
static size_t live_rows(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0)
        return LIVE_PLAIN_ROWS;
    size_t rows = size.ws_row > LIVE_LINES_ELSE + LIVE_LINES_LEAST
                          ? size.ws_row - (size_t)LIVE_LINES_ELSE
                          : LIVE_LINES_LEAST;
    return rows < LIVE_ROWS_MAX ? rows : LIVE_ROWS_MAX;
}

/* Asks for the newest figures. */
static int live_status(struct live *live, struct diag *diag)
{
    const struct control_request request = {.kind = CONTROL_STATUS};
    struct control_result result;
    int err = control_ask(&live->session, &request, NULL, LIVE_TIMEOUT_S, &result, diag);
    if (err)
        return err;
    struct control_status *status = &live->session.status;
    if (result.reply.body_bytes == sizeof *status) {
        memcpy(status, result.body, sizeof *status);
        status->session[sizeof status->session - 1] = 0;
        status->program[sizeof status->program - 1] = 0;
    }
    control_result_done(&result);
    return 0;
}

/* One view, into live->text. */
static int live_look(const struct cli *cli, struct live *live, struct diag *diag)
{
    const struct control_request request = {.kind = CONTROL_TOP, .value = 4 * LIVE_ROWS_MAX};
    struct control_result result;
    struct loaded loaded;
    char path[64];
    int err = live_status(live, diag);
    err = err ? err : control_ask(&live->session, &request, NULL, LIVE_TIMEOUT_S, &result, diag);
    if (err)
        return err;
    snprintf(path, sizeof path, "/proc/self/fd/%d", result.fd);
    err = result.fd >= 0 ? load_recording(cli, path, &loaded, diag)
                         : diag_set(diag, ERR_FORMAT, "the recorder's answer is malformed");
    control_result_done(&result);
    if (err < 0)
        return err;
    struct text *text = &live->text;
    text_clear(text);
    if (live->redraws) {
        live->style.rows = live_rows();
        text_add(text, "\033[H\033[2J");
    }
    live_view_add(text, &live->session.status, loaded.analysis, &live->style, &live->memory);
    text_add(text, live->redraws ? "\n  q: leave\n" : "\n");
    load_done(&loaded);
    return 0;
}

static int live_show(const struct cli *cli, struct live *live, struct diag *diag)
{
    int err = live_look(cli, live, diag);
    return err ? err : cli_print(cli, &live->text) == STATUS_DONE ? 0 : ERR_IO;
}

/* Waits for the next view. False: the user wants to leave. */
static bool live_wait(const struct live *live, double seconds)
{
    struct pollfd input = {.fd = live->redraws ? STDIN_FILENO : -1, .events = POLLIN};
    char key;
    if (poll(&input, 1, (int)(seconds * 1000)) > 0 &&
        (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q'))
        return false;
    return !live_interrupted;
}

/* Two looks, so that growth is known; the first when the program ends between them. */
static int live_show_once(const struct cli *cli, struct live *live, struct diag *diag)
{
    int err = live_look(cli, live, diag);
    if (err)
        return err;
    (void)live_wait(live, live_once_s);
    err = live_look(cli, live, diag);
    if (err && err != ERR_STATE)
        return err;
    return cli_print(cli, &live->text) == STATUS_DONE ? 0 : ERR_IO;
}

static int live_follow(const struct cli *cli, struct live *live, double interval_s,
                       struct diag *diag)
{
    int err = live_show(cli, live, diag);
    while (err == 0 && live_wait(live, interval_s))
        err = live_show(cli, live, diag);
    return err;
}

static void live_begin_screen(struct live *live, struct termios *before)
{
    live->redraws = live->redraws && tcgetattr(STDIN_FILENO, before) == 0;
    if (!live->redraws)
        return;
    struct termios raw = *before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    const struct sigaction action = {.sa_handler = live_interrupt};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

int verb_live(const struct cli *cli, const struct settings *settings)
{
    struct diag diag = {""};
    struct termios before;
    struct live *live = calloc(1, sizeof *live);
    if (!live) {
        diag_set(&diag, ERR_MEMORY, "no memory");
        return cli_fail(cli, &diag);
    }
    int err = control_session_open(settings->words[0], &live->session, &diag);
    bool once = settings->given[OPTION_ONCE];
    bool is_tty = terminal_of(STDOUT_FILENO, settings->color).is_tty && isatty(STDIN_FILENO);
    live->redraws = is_tty && !once && !settings->given[OPTION_PLAIN];
    live->style =
            (struct live_style){.rows = LIVE_PLAIN_ROWS, .plain = settings->given[OPTION_PLAIN]};
    if (err == 0) {
        live_begin_screen(live, &before);
        err = once ? live_show_once(cli, live, &diag)
                   : live_follow(cli, live, settings->interval_s, &diag);
        if (live->redraws)
            (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
        /* The end of what is watched is how watching ends. */
        if (err == ERR_STATE && live->memory.at_ns)
            err = 0;
        control_session_done(&live->session);
    }
    text_done(&live->text);
    free(live);
    return err < 0 && *diag.text ? cli_fail(cli, &diag) : err < 0 ? STATUS_OURS : STATUS_DONE;
}
