/* SPDX-License-Identifier: Apache-2.0 */
/* run and analyze: record a program, say what was seen, then end as it did. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/outputs.h"
#include "cli/program_guess.h"
#include "cli/record.h"
#include "cli/results.h"
#include "cli/run_live.h"
#include "collect/run.h"
#include "export/export.h"

enum { STATUS_NOT_EXECUTABLE = 126, STATUS_NOT_FOUND = 127, STATUS_SIGNAL_BASE = 128 };

static void run_started(void *context, const char *sentence)
{
    const struct cli *cli = context;
    log_line(&cli->log, RUN_LOG_ERROR, "%s", sentence);
}

/* Formats that this build cannot write are left out, with the same warning as later options. */
static void run_drop_formats(struct outputs *outputs, struct text *note)
{
    size_t kept = 0;
    for (size_t i = 0; i < outputs->n; i++) {
        if (export_find(outputs->exports[i].format))
            outputs->exports[kept++] = outputs->exports[i];
        else
            text_printf(note, "%s%s", note->n ? ", " : "", outputs->exports[i].format);
    }
    outputs->n = kept;
}

/* One line for each thing that is other than asked for. */
static void run_warn(const struct cli *cli, const struct settings *settings,
                     struct outputs *outputs, const struct text *folder_note)
{
    struct text note = {0};
    settings_add_later(settings, &note);
    if (note.n)
        log_line(&cli->log, RUN_LOG_WARN, "%s", text_string(&note));
    text_clear(&note);
    run_drop_formats(outputs, &note);
    if (note.n)
        log_line(&cli->log, RUN_LOG_WARN, "this build cannot write %s%s", text_string(&note),
                 settings->given[OPTION_NO_RECORDING]
                         ? ""
                         : "; the recording is kept: make exports from it later");
    if (folder_note->n)
        log_line(&cli->log, RUN_LOG_WARN, "%s", text_string(folder_note));
    text_done(&note);
}

static const char *run_temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && *folder == '/' && access(folder, W_OK | X_OK) == 0 ? folder : "/tmp";
}

static void run_fill(struct run_request *request, const struct cli *cli,
                     const struct settings *settings, const struct outputs *outputs,
                     const char *program)
{
    *request = (struct run_request){
            .argv = settings->words,
            .mode = settings->mode,
            .strategy = settings->strategy,
            .sample_rate = settings->sample_rate,
            .max_overhead_bytes = settings->max_overhead_bytes,
            .max_overhead_percent = settings->max_overhead_percent,
            .recorder_memory_bytes = settings->recorder_memory_bytes,
            .track_async = settings->given[OPTION_TRACK_ASYNC],
            .detailed = settings->given[OPTION_DETAILED],
            .performance_monitoring = settings->given[OPTION_PERFORMANCE],
            .follow = !settings->given[OPTION_NO_FOLLOW],
            .wait = settings->given[OPTION_WAIT],
            .include = {settings->includes.at, settings->includes.n},
            .exclude = {settings->excludes.at, settings->excludes.n},
            .recording_path = outputs->recording,
            .recording_folder =
                    settings->given[OPTION_NO_RECORDING] ? run_temporary_folder() : outputs->folder,
            .program = program,
            .redact_args = settings->given[OPTION_REDACT_ARGS],
            .quiet = settings->given[OPTION_QUIET],
            .log_level = cli->log.level,
            .on_start = run_started,
            .on_start_context = (void *)(uintptr_t)cli,
    };
}

/* Ends this process as the program ended; returns only when a signal did not end it. */
static int run_end_as(const struct launch_result *result)
{
    if (result->end == LAUNCH_NOT_FOUND)
        return STATUS_NOT_FOUND;
    if (result->end == LAUNCH_NOT_EXECUTABLE)
        return STATUS_NOT_EXECUTABLE;
    if (result->end == LAUNCH_EXITED)
        return result->status;
    struct rlimit none = {0, 0}; /* the core, if any, is the program's */
    (void)setrlimit(RLIMIT_CORE, &none);
    struct sigaction action = {.sa_handler = SIG_DFL};
    (void)sigaction(result->status, &action, NULL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, result->status);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
    (void)raise(result->status);
    return STATUS_SIGNAL_BASE + result->status;
}

/* The sentence for a program that could not be started, with the nearest one that could. */
static void run_not_started(const struct cli *cli, const char *program, enum launch_end end,
                            struct diag *diag)
{
    struct text guess = {0};
    if (end == LAUNCH_NOT_FOUND)
        program_add_guess(&guess, program);
    if (guess.n)
        log_line(&cli->log, RUN_LOG_ERROR, "%s: not found; did you mean %s?", program,
                 text_string(&guess));
    else
        (void)cli_fail(cli, diag);
    text_done(&guess);
}

/* Without a summary and exports nobody reads the recording here: loading it takes a while. */
static bool run_shows(const struct settings *settings, const struct outputs *outputs)
{
    bool silent = settings->summary == SUMMARY_NONE || settings->given[OPTION_QUIET];
    return !silent || outputs->n;
}

/* What follows a run whose program was started. Returns the exit status. */
static int run_finish(const struct cli *cli, const struct settings *settings,
                      const struct outputs *outputs, const char *program,
                      const struct launch_result *launched)
{
    bool keeps = !settings->given[OPTION_NO_RECORDING];
    for (size_t i = 0; i < launched->warnings.n; i++)
        log_line(&cli->log, RUN_LOG_WARN, "%s", launched->warnings.at[i]);
    if (launched->recording_path) {
        struct results results = {.outputs = outputs,
                                  .recording = launched->recording_path,
                                  .program = program,
                                  .pid = launched->pid,
                                  .names_recording = keeps,
                                  .summary_fd = STDERR_FILENO};
        /* What fails from here on was said; the status stays the program's. */
        if (run_shows(settings, outputs))
            (void)results_give(cli, settings, &results);
        if (!keeps)
            (void)unlink(launched->recording_path);
    }
    return run_end_as(launched);
}

/* analyze writes the report page unless exports were named. */
static void run_default_export(const struct settings *settings, struct outputs *outputs)
{
    if (settings->verb == VERB_ANALYZE && outputs->n == 0 && export_find("html"))
        outputs->exports[outputs->n++] = (struct output){.format = "html"};
}

/* What the collector does in the end where no launcher is left. */
struct run_after {
    const struct cli *cli;
    const struct settings *settings;
    const struct outputs *outputs;
    const char *program;
};

static void run_done(void *context, const char *recording, pid_t pid, int report_fd)
{
    const struct run_after *after = context;
    struct cli cli = *after->cli;
    struct settings settings = *after->settings;
    bool keeps = !settings.given[OPTION_NO_RECORDING];
    cli.log.fd = report_fd;
    if (report_fd < 0)
        settings.summary = SUMMARY_NONE;
    struct results results = {.outputs = after->outputs,
                              .recording = recording,
                              .program = after->program,
                              .pid = pid,
                              .names_recording = keeps,
                              .summary_fd = report_fd};
    (void)results_give(&cli, &settings, &results);
    if (!keeps)
        (void)unlink(recording);
}

/* What is to be done with a program, ready to be begun. */
struct run_plan {
    pid_t viewer; /* of --live */
    double interval_s;
    struct outputs outputs;
    struct text note, program;
    struct run_request request;
    struct run_after after;
};

static int run_plan_init(struct run_plan *plan, const struct cli *cli,
                         const struct settings *settings, struct diag *diag)
{
    *plan = (struct run_plan){.viewer = -1, .interval_s = settings->interval_s};
    int err = outputs_plan(&plan->outputs, settings, true, &plan->note, diag);
    if (err) {
        text_done(&plan->note);
        return err;
    }
    run_default_export(settings, &plan->outputs);
    run_warn(cli, settings, &plan->outputs, &plan->note);
    outputs_add_program(&plan->program, settings->words[0]);
    run_fill(&plan->request, cli, settings, &plan->outputs, text_string(&plan->program));
    plan->after = (struct run_after){cli, settings, &plan->outputs, text_string(&plan->program)};
    return 0;
}

static void run_plan_done(struct run_plan *plan)
{
    outputs_done(&plan->outputs);
    text_done(&plan->note);
    text_done(&plan->program);
}

int record_asked(const struct cli *cli, const struct settings *settings, pid_t asker, int socket,
                 struct diag *diag)
{
    struct run_plan plan;
    if (run_plan_init(&plan, cli, settings, diag) < 0)
        return STATUS_OURS;
    plan.request.on_done = run_done;
    plan.request.on_done_context = &plan.after;
    int status = run_asked(&plan.request, asker, socket);
    run_plan_done(&plan);
    return status;
}

static void run_begins(void *context, pid_t pid)
{
    struct run_plan *plan = context;
    plan->viewer = run_live_begin(pid, plan->interval_s);
}

int verb_run(const struct cli *cli, const struct settings *settings)
{
    struct diag diag = {""};
    struct run_plan plan;
    if (run_plan_init(&plan, cli, settings, &diag) < 0)
        return cli_fail(cli, &diag);
    struct launch_result launched = {.status = 0};
    bool becomes = settings->given[OPTION_EXEC];
    if (becomes) {
        plan.request.on_done = run_done;
        plan.request.on_done_context = &plan.after;
    }
    if (settings->given[OPTION_LIVE]) {
        plan.request.on_running = run_begins;
        plan.request.on_running_context = &plan;
    }
    int err = becomes ? run_become(&plan.request, &launched, &diag)
                      : run_program(&plan.request, &launched, &diag);
    run_live_end(plan.viewer);
    int status;
    if (err < 0) {
        status = cli_fail(cli, &diag);
    } else {
        if (launched.end == LAUNCH_NOT_FOUND || launched.end == LAUNCH_NOT_EXECUTABLE)
            run_not_started(cli, settings->words[0], launched.end, &diag);
        status = run_finish(cli, settings, &plan.outputs, plan.after.program, &launched);
        launch_result_done(&launched);
    }
    run_plan_done(&plan);
    return status;
}
