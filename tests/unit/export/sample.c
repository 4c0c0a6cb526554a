/* SPDX-License-Identifier: Apache-2.0 */
/* The sample models, told as stories. */
#include "sample.h"

#include <string.h>

static void sample_facts(struct story *story)
{
    static const char *const facts[][2] = {
            {"command", "order-server --port 8080"},
            {"strategy", "AsyncOptimized"},
            {"runtime", "tokio"},
            {"budget_bytes", "64000000"},
            {"overhead_bytes", "21400000"},
            {"recorder_peak_bytes", "31000000"},
            {"overhead_cpu_percent", "3.1"},
    };
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        model_fact_set(story->model, facts[i][0], facts[i][1]);
}

void sample_server(struct story *ret_story)
{
    struct story *story = ret_story;
    uint64_t burst[400];
    size_t held = 0;
    story_begin(story);
    sample_facts(story);
    uint32_t table =
            story_stack(story, "main;cache::load;alloc::raw_vec::RawVec<T>::reserve;malloc");
    uint32_t parse = story_stack(story, "main;serve;serve;serde_json::de::from_slice;malloc");
    uint32_t audit =
            story_stack(story, "main;serve;orders::audit::push;operator new(unsigned long)");
    uint32_t text = story_stack(story, "main;serve;fmt::format;malloc");
    for (int ms = 0; ms < 10000; ms++) {
        story_time_ms(story, ms + 0.25);
        if (ms == 3)
            story_alloc(story, table, 20 << 20);
        if (ms % 10 == 0)
            story_alloc(story, audit, 1000);
        if (ms >= 3600 && ms < 4000)
            burst[held++] = story_alloc(story, parse, 100 << 10);
        if (ms >= 4000 && held)
            story_free(story, burst[--held]);
        for (int i = 0; i < 3; i++)
            story_free(story, story_alloc(story, text, 90000));
        if (ms % 100 == 50)
            feed_rss(story->model, story->at.at_ns, (uint64_t)(ms < 4100 ? 80 : 50) << 20);
    }
    story_time_ms(story, 10000);
    story_end(story);
}

void sample_hostile(struct story *ret_story)
{
    struct story *story = ret_story;
    static const char *const names[] = {
            "</script><script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "]]>&<!--\"'`",
            "\033[31mred\033[0m\a\b\r",
            ("rtl\xe2\x80\xae"
             "gnp.exe"),
            "\xff\xfe\xc0\x80\xed\xa0\x80",
            "a;b c\td\ne",
            "=cmd|' /C calc'!A0",
            "__proto__",
            "\xe2\x80\xa8line\xe2\x80\xa9",
            "%s%n%x",
            "\x01\x02\x7f",
    };
    char joined[512], deep[10001];
    story_begin(story);
    size_t n = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint32_t name = model_string_add(story->model, names[i], strlen(names[i]));
        story->model->threads.at[story->at.thread].name = name;
        for (const char *at = names[i]; *at && n < sizeof joined - 2; at++)
            joined[n++] = *at == ';' ? ':' : *at;
        joined[n++] = ';';
    }
    joined[n - 1] = 0;
    memset(deep, 'N', sizeof deep - 1);
    memcpy(deep, "ns::T<", 6);
    deep[sizeof deep - 1] = 0;
    model_fact_set(story->model, "command", "</title><script>\033]0;x\a\"' \xff");
    story_alloc(story, story_stack(story, joined), 4096);
    story_alloc(story, story_stack(story, deep), 8192);
    story_time_ms(story, 20);
    story_end(story);
}

void sample_empty(struct story *ret_story)
{
    story_begin(ret_story);
    story_time_ms(ret_story, 1);
    story_end(ret_story);
}

void sample_adapted(struct story *ret_story)
{
    struct story *story = ret_story;
    story_begin(story);
    model_fact_set(story->model, "perf_events_per_s", "12.5");
    model_fact_set(story->model, "perf_hook_ns_p50", "42");
    model_fact_set(story->model, "evidence",
                   "0.90 tasks it defines Tokio's <tables> | 0.86 threads it calls clone3");
    story->model->sampled = true;
    story_alloc(story, story_stack(story, "main;malloc"), 4096);
    feed_mark(story->model, 2000000, "rate", "1 in 7 small blocks: <cost>");
    feed_mark(story->model, 3000000, "mark", "by the program");
    feed_mark(story->model, 4000000, "budget", "shared memory has its full size");
    story_time_ms(story, 20);
    story_end(story);
}
