/* SPDX-License-Identifier: Apache-2.0 */
/* Hands events to the recording; a file that takes no more ends the journal, not the session. */
#include "collect/journal.h"

void journal_event(struct journal *journal, const struct events_event *event)
{
    if (!journal->writer || journal->is_cut)
        return;
    if (events_add(&journal->out, journal->writer, event, NULL) != 0)
        journal->is_cut = true;
}

void journal_heap(struct journal *journal, enum events_kind kind,
                  const struct feed_context *context, const struct events_event *rest)
{
    if (!journal->writer)
        return;
    struct events_event event = *rest;
    event.kind = kind;
    event.process = context->process;
    event.thread = context->thread;
    event.task = context->task;
    event.at_ns = context->at_ns;
    journal_event(journal, &event);
}

void journal_flush(struct journal *journal)
{
    if (journal->writer && !journal->is_cut &&
        events_flush(&journal->out, journal->writer, NULL) != 0)
        journal->is_cut = true;
}

void journal_done(struct journal *journal)
{
    events_out_done(&journal->out);
}
