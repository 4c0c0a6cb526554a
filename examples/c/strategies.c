/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of program this is, which strategy fits, and a strategy of one's own. */
#include <stdio.h>

#include <memscope/memscope.h>

int main(void)
{
    static const char *const kinds[] = {"single-threaded", "multi-threaded", "async", "hybrid"};
    struct memscope_detection_config how = MEMSCOPE_DETECTION_CONFIG_INIT;
    struct memscope_strategy_performance performance = {2.1, 150.0, 0.98, 0.92, 1};
    struct memscope_strategy_settings settings = {0.5, 2.0, 0};
    struct memscope_requirements wanted = {0};
    struct memscope_recommendation recommended;
    struct memscope_detection detection;
    struct memscope_error error;
    memscope_factory *factory;
    memscope_backend *backend;

    if (memscope_detect_environment_detailed(&how, &detection, &error) < 0) {
        fprintf(stderr, "memscope: %s\n", error.text);
        return 1;
    }
    printf("%s, confidence %.2f, strategy %s\n", kinds[detection.environment.kind],
           detection.confidence, memscope_strategy_name(detection.recommended_strategy));
    for (uint32_t i = 0; i < detection.evidence_n; i++)
        printf("  %.2f %s\n", detection.evidence[i].weight, detection.evidence[i].text);

    if (memscope_factory_new(&factory, &error) < 0)
        return 1;
    memscope_factory_record_performance(factory, "custom_strategy", &performance);
    memscope_factory_add_strategy(factory, "half of it", MEMSCOPE_STRATEGY_THREAD_LOCAL, &settings);
    wanted.thread_n = 8;
    if (memscope_factory_recommend(factory, &wanted, &detection, &recommended) == MEMSCOPE_OK)
        printf("recommended: %s, since %s\n", recommended.name, recommended.text);
    if (memscope_factory_backend(factory, "half of it", NULL, &backend, &error) < 0) {
        fprintf(stderr, "memscope: %s\n", error.text);
        return 1;
    }
    memscope_backend_shutdown(backend, NULL, NULL);
    memscope_factory_free(factory);
    return 0;
}
