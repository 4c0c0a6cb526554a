/* SPDX-License-Identifier: Apache-2.0 */
/* Findings: judgements with a number, the worst first; computed once for every output. */
#ifndef MEMSCOPE_ANALYZE_FINDING_H
#define MEMSCOPE_ANALYZE_FINDING_H

#include "base/diag.h"
#include "base/text.h"
#include "heap/model.h"

enum finding_severity { FINDING_HIGH, FINDING_MEDIUM, FINDING_LOW, FINDING_GOOD };

/* Where to look: what a page sets when the finding is clicked. */
struct finding_link {
    const char *view;        /* of the report page */
    const char *metric;      /* NULL = as it is */
    uint32_t function;       /* MODEL_NONE */
    uint32_t site;           /* MODEL_NONE; index of analysis.sites */
    uint64_t from_ns, to_ns; /* window; 0, 0 = the whole run */
};

struct finding {
    const char *id; /* "steady-growth" */
    enum finding_severity severity;
    struct text title; /* one sentence with its number */
    struct text text;  /* how it is known, and what to try */
    double value;
    const char *unit;  /* bytes, bytes/s, count, ratio, ns */
    double confidence; /* 0 … 1; negative = does not apply */
    uint64_t weight;   /* order among equals: bytes concerned */
    struct finding_link link;
};

enum { FINDINGS_MAX = 64 };

struct analysis;

/* Fills analysis->findings from all that was computed before. */
void findings_collect(struct analysis *analysis);
void finding_done(struct finding *finding);

/* The severity in one word: "high". */
const char *finding_severity_name(enum finding_severity severity);

#endif
