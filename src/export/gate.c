/* SPDX-License-Identifier: Apache-2.0 */
/* One line, one test case, one annotation for each limit. */
#include "export/gate.h"

#include <string.h>

#include "export/xml.h"

/* "peak is 659.9 KiB, limit < 190.7 MiB" */
static void gate_add_sentence(struct text *text, const struct gate *gate, size_t i)
{
    const struct limit *limit = &gate->limits[i];
    const struct limit_result *result = &gate->results[i];
    text_add_shown(text, text_string(&limit->subject), limit->subject.n);
    if (!result->is_known && limit->is_relative) {
        text_add(text, " has no figure in the baseline");
        return;
    }
    text_add(text, " is ");
    limit_add_value(text, limit, result->value);
    text_printf(text, ", limit %s ", limit_operator_name(limit->operator));
    limit_add_value(text, limit, result->bound);
    if (!result->is_known)
        text_add(text, " (no stack has that function)");
}

void gate_add_lines(struct text *text, const struct gate *gate)
{
    for (size_t i = 0; i < gate->n; i++) {
        text_add(text, gate->results[i].holds ? "ok    " : "FAIL  ");
        gate_add_sentence(text, gate, i);
        text_add_char(text, '\n');
    }
}

void gate_add_junit(struct text *text, const struct gate *gate)
{
    size_t failed = 0;
    for (size_t i = 0; i < gate->n; i++)
        failed += !gate->results[i].holds;
    text_printf(text,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite "
                "name=\"memscope check\" tests=\"%zu\" failures=\"%zu\">\n",
                gate->n, failed);
    for (size_t i = 0; i < gate->n; i++) {
        struct text sentence = {0};
        gate_add_sentence(&sentence, gate, i);
        text_add(text, "<testcase classname=\"");
        xml_add_escaped(text, gate->name, strlen(gate->name));
        text_add(text, "\" name=\"");
        xml_add_escaped(text, text_string(&gate->limits[i].word), gate->limits[i].word.n);
        if (gate->results[i].holds) {
            text_add(text, "\"/>\n");
        } else {
            text_add(text, "\"><failure message=\"");
            xml_add_escaped(text, text_string(&sentence), sentence.n);
            text_add(text, "\"/></testcase>\n");
        }
        text_done(&sentence);
    }
    text_add(text, "</testsuite>\n</testsuites>\n");
}

/* The escapes of workflow commands: '%' first, so that it is not escaped twice. */
void gate_add_github(struct text *text, const struct gate *gate)
{
    for (size_t i = 0; i < gate->n; i++) {
        if (gate->results[i].holds)
            continue;
        struct text sentence = {0};
        gate_add_sentence(&sentence, gate, i);
        text_add(text, "::error title=memscope::");
        for (size_t k = 0; k < sentence.n; k++) {
            if (sentence.bytes[k] == '%')
                text_add(text, "%25");
            else
                text_add_char(text, sentence.bytes[k]);
        }
        text_add_char(text, '\n');
        text_done(&sentence);
    }
}
