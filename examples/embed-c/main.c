/* An agent inside a C program: one prompt, a folder to work on, a tool of the board's, a model on the network. */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "embed.h"

static void *read_file(const char *name, size_t *length)
{
    FILE *file = fopen(name, "rb");
    long size = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : 0;
    char *bytes = size > 0 ? malloc((size_t)size) : NULL;
    if (file) rewind(file);
    *length = bytes && fread(bytes, 1, (size_t)size, file) == (size_t)size ? (size_t)size : 0;
    if (file) fclose(file);
    return bytes;
}

static int usage(const char *problem)
{
    fprintf(stderr, "embed-c: %s: embed-c --dir DIR [--session FILE] \"PROMPT\"\n", problem);
    return 2;
}

/* What the last call refused, in the module's words. */
static int refused(void)
{
    size_t length;
    const char *why = agent_result(&length);
    fprintf(stderr, "embed-c: %.*s\n", (int)length, why);
    return 2;
}

/* The session's configuration: the module works on the files, and asks before it writes; all else is the program's. */
static char *configuration(void)
{
    cJSON *config = cJSON_CreateObject(), *settings = cJSON_AddObjectToObject(config, "settings");
    const char *model = getenv("DEWCLAW_MODEL"), *url = getenv("OPENAI_BASE_URL");
    unsigned long long seed = 0;
    char digits[24];
    cJSON_AddStringToObject(settings, "model", model ? model : "");
    cJSON_AddStringToObject(settings, "base_url", url ? url : "http://127.0.0.1:11434/v1");
    cJSON_AddStringToObject(settings, "approve", "writes");
    cJSON_AddStringToObject(config, "files", "module");
    cJSON_AddRawToObject(config, "host_tools", BOARD_TOOLS);
    if (getentropy(&seed, sizeof seed) == 0) snprintf(digits, sizeof digits, "%llu", seed);
    /* A double would not hold it. */
    cJSON_AddRawToObject(config, "seed", seed ? digits : "0");
    char *text = cJSON_PrintUnformatted(config);
    cJSON_Delete(config);
    return text;
}

/* Does what one effect says. Below 0 until the run is over, then its exit code. */
static int perform(const cJSON *effect)
{
    const char *type = text_of(effect, "type");
    if (strcmp(type, "call-model") == 0) {
        model_call(effect);
    } else if (strcmp(type, "drop-reply") == 0) {
        model_drop();
    } else if (strcmp(type, "run-tool") == 0) {
        cJSON *told = board_read_temperature(text_of(effect, "arguments"));
        cJSON_AddStringToObject(told, "tool_done", text_of(effect, "call"));
        agent_feed_json(told);
    } else if (strcmp(type, "approve") == 0) {
        cJSON *told = cJSON_CreateObject();
        cJSON_AddStringToObject(told, "verdict", terminal_ask(text_of(effect, "name")));
        cJSON_AddStringToObject(told, "call", text_of(effect, "call"));
        agent_feed_json(told);
    } else if (strcmp(type, "wait") == 0) {
        /* No longer than a person waits after Ctrl-C: the session says so again. */
        uint64_t now = agent_now(0)[1], until = (uint64_t)number_of(effect, "until_ms");
        if (until > now) usleep(until - now < 100 ? (unsigned)(until - now) * 1000 : 100000);
    } else if (strcmp(type, "pending") == 0) {
        model_wait();
    } else {
        terminal_show(type, effect);
        if (strcmp(type, "finished") == 0) return (int)number_of(effect, "exit_code");
    }
    return -1;
}

/* The conversation is kept whole, or as it was. */
static int keep(const char *file)
{
    char new[4096];
    size_t length;
    snprintf(new, sizeof new, "%s.new", file);
    if (agent_call(EXPORT_dc_save, agent_now(0)) != DC_OK) return refused();
    const char *saved = agent_result(&length);
    FILE *to = fopen(new, "wb");
    bool kept = to && fwrite(saved, 1, length, to) == length;
    kept = to && fclose(to) == 0 && kept && rename(new, file) == 0;
    return kept ? 0 : usage("--session can't be written");
}

int main(int count, char **arguments)
{
    const char *folder = NULL, *file = NULL, *prompt = NULL, *component = getenv("DEWCLAW_COMPONENT");
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--dir") == 0) folder = arguments[++i];
        else if (strcmp(arguments[i], "--session") == 0) file = arguments[++i];
        else if (strncmp(arguments[i], "--", 2) == 0) return usage(arguments[i]);
        else if (prompt) return usage("one prompt is needed, in quotes");
        else prompt = arguments[i];
    }
    if (!folder) return usage("no folder to work on");
    if (!prompt) return usage("one prompt is needed, in quotes");

    size_t length, saved_length = 0;
    void *code = read_file(component ? component : "dist/dewclaw-wamr.wasm", &length), *saved = NULL;
    if (!agent_start(code, length, folder)) return 2;
    if (file && access(file, F_OK) == 0 && !(saved = read_file(file, &saved_length))) return usage("--session can't be read");
    char *config = configuration();
    if (agent_open(config, saved, saved_length) < 0) return refused();
    free(config), free(saved);
    if (agent_tell(EXPORT_dc_prompt, agent_now(0), prompt, strlen(prompt)) != DC_OK) return refused();
    terminal_start();
    for (int exit_code = -1; ; ) {
        if (agent_call(EXPORT_dc_next, agent_now(0)) != DC_OK) return refused();
        const char *result = agent_result(&length);
        cJSON *effect = cJSON_ParseWithLength(result, length);
        exit_code = perform(effect);
        cJSON_Delete(effect);
        if (exit_code >= 0) return file && keep(file) ? 2 : exit_code;
        if (terminal_interrupted()) agent_feed("{\"cancel\":true}");
    }
}
