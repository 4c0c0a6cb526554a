/* SPDX-License-Identifier: Apache-2.0 */
/* Stories by way of the feed, so that every figure is the model's own. */
#include "story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static uint32_t story_string(struct story *story, const char *string)
{
    return model_string_add(story->model, string, strlen(string));
}

void story_begin(struct story *ret_story)
{
    *ret_story = (struct story){.model = model_new(), .next_address = 0x1000};
    assert_non_null(ret_story->model);
    assert_int_equal(feed_open(ret_story->model, 1000000), 0);
    struct model_process process = {.pid = 4711,
                                    .parent = MODEL_NONE,
                                    .exe = story_string(ret_story, "/usr/bin/app"),
                                    .command = story_string(ret_story, "app --port 8080"),
                                    .strategy = story_string(ret_story, "SingleThread")};
    ret_story->at.process = feed_process_begin(ret_story->model, &process);
    struct model_thread thread = {
            .process = ret_story->at.process, .tid = 4711, .name = story_string(ret_story, "main")};
    ret_story->at.thread = feed_thread_begin(ret_story->model, &thread);
    ret_story->module =
            model_module_add(ret_story->model, story_string(ret_story, "/usr/bin/app"), NULL, 0);
    ret_story->model->start_unix_ns = 1700000000123000000;
}

uint32_t story_stack(struct story *story, const char *names)
{
    struct model *model = story->model;
    uint32_t node = 0;
    for (const char *at = names; *at;) {
        size_t n = strcspn(at, ";");
        uint32_t name = model_string_add(model, at, n);
        uint32_t location = model_location_add(model, story->module, 0x4000 + name * 16);
        struct model_location *made = &model->locations.at[location];
        if (made->symbol_n == 0 && *at != '?') {
            struct model_symbol symbol = {
                    .function = name, .file = story_string(story, "/src/app.c"), .line = 10 + name};
            made->symbol_first = (uint32_t)model->symbols.n;
            assert_true(VEC_PUSH(&model->symbols, MODEL_SYMBOLS_MAX, symbol));
            made->symbol_n = 1;
        }
        node = model_node_add(model, node, location, 0);
        assert_int_not_equal(node, MODEL_NONE);
        at += n + (at[n] == ';');
    }
    return node;
}

uint64_t story_alloc(struct story *story, uint32_t node, uint64_t bytes)
{
    uint64_t address = story->next_address;
    story->next_address += 16;
    assert_true(feed_alloc(story->model, &story->at, address, bytes, node, 1) >= 0);
    return address;
}

void story_free(struct story *story, uint64_t address)
{
    assert_int_equal(feed_free(story->model, &story->at, address), FEED_DONE);
}

void story_time_ms(struct story *story, double at_ms)
{
    story->at.at_ns = (uint64_t)(at_ms * 1e6);
    feed_time(story->model, story->at.at_ns);
}

void story_end(struct story *story)
{
    feed_process_end(story->model, story->at.process, PROCESS_EXITED, 0, story->at.at_ns);
    story->model->end_ns = story->at.at_ns;
    story->model->finished = true;
    assert_int_equal(model_settle(story->model), 0);
}

void story_done(struct story *story)
{
    model_free_all(story->model);
}
