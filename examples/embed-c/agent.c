/* The module in WAMR, with one session: all there is between a C program and the agent. */
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "embed.h"
#include "wasm_export.h"

#define ROW(name, takes, gives) { #name, takes },
static const struct { const char *name, *takes; } EXPORT[] = { DC_EXPORTS(ROW) };

/* WAMR's stack for the module's operands, as iwasm has it; the most memory that the module may take, in pages of 64 KiB; and
 * cells for the longest list of numbers. */
enum { STACK_BYTES = 64 * 1024, MAX_PAGES = 64, CELLS = 12 };

static wasm_module_inst_t instance;
static wasm_exec_env_t environment;
static wasm_function_inst_t functions[EXPORTS];
static uint64_t session;

bool agent_start(void *code, size_t length, const char *folder)
{
    char why[128] = "", grant[4096];
    const char *grants[] = { grant };
    snprintf(grant, sizeof grant, "/::%s", folder);
    wasm_module_t module = wasm_runtime_init() ? wasm_runtime_load(code, (uint32_t)length, why, sizeof why) : NULL;
    if (module) {
        wasm_runtime_set_wasi_args(module, NULL, 0, grants, 1, NULL, 0, NULL, 0);
        InstantiationArgs limits = { .default_stack_size = STACK_BYTES, .max_memory_pages = MAX_PAGES };
        instance = wasm_runtime_instantiate_ex(module, &limits, why, sizeof why);
    }
    environment = instance ? wasm_runtime_create_exec_env(instance, STACK_BYTES) : NULL;
    for (int i = 0; environment && i < EXPORTS; i++) {
        functions[i] = wasm_runtime_lookup_function(instance, EXPORT[i].name);
        if (!functions[i]) environment = NULL;
    }
    if (environment && agent_call(EXPORT_dc_version, NULL) == DC_VERSION) return true;
    fprintf(stderr, "embed-c: --dir %s, with the module of scripts/build-wasm: %s\n", folder, why);
    return false;
}

/* Calls a function: an i64 takes two cells, and the result comes in their place. */
static bool call(enum export function, const uint64_t numbers[], uint32_t cells[CELLS])
{
    uint32_t count = 0;
    for (int i = 0; EXPORT[function].takes[i]; i++) {
        cells[count++] = (uint32_t)numbers[i];
        if (EXPORT[function].takes[i] == 'I') cells[count++] = (uint32_t)(numbers[i] >> 32);
    }
    if (wasm_runtime_call_wasm(environment, functions[function], count, cells)) return true;
    fprintf(stderr, "embed-c: %s: %s\n", EXPORT[function].name, wasm_runtime_get_exception(instance));
    /* WAMR would take it for the next call's. */
    wasm_runtime_clear_exception(instance);
    return false;
}

int32_t agent_call(enum export function, const uint64_t numbers[])
{
    uint32_t cells[CELLS];
    return call(function, numbers, cells) ? (int32_t)cells[0] : DC_BROKEN;
}

/* Copies bytes into a block of the module's. 0 where there is no memory for them, or they are none. */
static uint32_t put(const void *bytes, size_t length)
{
    uint32_t at = length > INT32_MAX ? 0 : (uint32_t)agent_call(EXPORT_dc_alloc, (uint64_t[]){ length });
    if (at) memcpy(wasm_runtime_addr_app_to_native(instance, at), bytes, length);
    return at;
}

int32_t agent_tell(enum export function, const uint64_t numbers[], const void *bytes, size_t length)
{
    uint64_t all[8];
    size_t before = strlen(EXPORT[function].takes) - 2;
    memcpy(all, numbers, before * sizeof all[0]);
    all[before] = put(bytes, length);
    all[before + 1] = length;
    int32_t status = agent_call(function, all);
    if (all[before]) agent_call(EXPORT_dc_free, &all[before]);
    return status;
}

int32_t agent_open(const char *config, const void *saved, size_t length)
{
    uint64_t text[] = { put(config, strlen(config)), strlen(config) };
    int32_t opened = agent_tell(EXPORT_dc_open, text, saved, length);
    agent_call(EXPORT_dc_free, text);
    session = opened > 0 ? (uint64_t)opened : 0;
    return opened;
}

const uint64_t *agent_now(uint64_t id)
{
    static uint64_t now[4];
    struct timespec monotonic, wall;
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    clock_gettime(CLOCK_REALTIME, &wall);
    now[0] = session;
    now[1] = (uint64_t)monotonic.tv_sec * 1000 + (uint64_t)monotonic.tv_nsec / 1000000;
    now[2] = (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000;
    now[3] = id;
    return now;
}

const char *agent_result(size_t *length)
{
    uint32_t place[CELLS] = { 0 };
    if (!call(EXPORT_dc_result, NULL, place) || !wasm_runtime_validate_app_addr(instance, place[0], place[1])) place[1] = 0;
    *length = place[1];
    return place[1] ? wasm_runtime_addr_app_to_native(instance, place[0]) : "";
}

void agent_feed(const char *input, ...)
{
    char text[512];
    va_list parts;
    va_start(parts, input);
    int length = vsnprintf(text, sizeof text, input, parts);
    va_end(parts);
    agent_tell(EXPORT_dc_feed, agent_now(0), text, (size_t)length);
}

void agent_feed_json(cJSON *input)
{
    char *text = cJSON_PrintUnformatted(input);
    agent_tell(EXPORT_dc_feed, agent_now(0), text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(input);
}
