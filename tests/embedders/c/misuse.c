/*
 * A host that gets everything wrong, over the example's agent.c: each call is answered by its status, and the session can be gone on
 * with; a trap costs the instance, and not the conversation. Prints what is otherwise, and ends with 1 then.
 *
 *     misuse MODULE FOLDER
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"

static int wrong;

static void is(const char *what, int32_t answered, int32_t wanted)
{
    if (answered == wanted) return;
    printf("%s: %d, not %d\n", what, (int)answered, (int)wanted);
    wrong++;
}

#define CALL(name, ...) agent_call(EXPORT_##name, (uint64_t[]){ __VA_ARGS__ })

static int32_t feed(const char *text) { return agent_tell(EXPORT_dc_feed, agent_now(0), text, strlen(text)); }

static int32_t prompt(const char *text) { return agent_tell(EXPORT_dc_prompt, agent_now(0), text, strlen(text)); }

/* Whether the effects until the next that waits for the host have this in them. */
static bool says(const char *wanted)
{
    bool said = false;
    for (int i = 0; i < 1000; i++) {
        size_t length;
        is("dc_next", agent_call(EXPORT_dc_next, agent_now(0)), DC_OK);
        const char *result = agent_result(&length);
        char *text = calloc(1, length + 1);
        memcpy(text, result, length);
        said |= strstr(text, wanted) != NULL;
        bool to_do = strstr(text, "\"call-model\"") || strstr(text, "\"pending\"") || strstr(text, "\"finished\"") ||
                     strstr(text, "\"run-tool\"");
        free(text);
        if (to_do) return said;
    }
    return false;
}

/* A whole reply to the model call that was just made. */
static void reply(int id, const char *body)
{
    char text[100];
    snprintf(text, sizeof text, "{\"reply_start\":%d,\"status\":200,\"headers\":{}}", id);
    is("the head", feed(text), DC_OK);
    is("the body", agent_tell(EXPORT_dc_chunk, agent_now((uint64_t)id), body, strlen(body)), DC_OK);
    snprintf(text, sizeof text, "{\"reply_end\":%d}", id);
    is("the end", feed(text), DC_OK);
}

static const char CALL_TOOL[] =
    "{\"choices\":[{\"message\":{\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":"
    "{\"name\":\"read_temperature\",\"arguments\":\"{\\\"room\\\":\\\"cellar\\\"}\"}}]},\"finish_reason\":\"tool_calls\"}]}";

static const char ANSWER[] = "{\"choices\":[{\"message\":{\"content\":\"Cold.\"},\"finish_reason\":\"stop\"}]}";

static void wrong_numbers(void)
{
    const uint64_t *now = agent_now(0);
    uint64_t session = now[0], block = (uint64_t)(uint32_t)CALL(dc_alloc, 16);
    const uint64_t places[][2] = { { 0, 1 }, { block - 1, 4 }, { block, 17 }, { block + 16, 1 }, { block, UINT32_MAX },
                                   { UINT32_MAX, 1 }, { UINT32_MAX, UINT32_MAX }, { INT32_MAX, 2 }, { 1024, 16 } };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        uint64_t at = places[i][0], length = places[i][1];
        is("dc_feed, bytes", CALL(dc_feed, session, now[1], now[2], at, length), DC_ADDRESS);
        is("dc_prompt, bytes", CALL(dc_prompt, session, now[1], now[2], at, length), DC_ADDRESS);
        is("dc_chunk, bytes", CALL(dc_chunk, session, now[1], now[2], 1, at, length), DC_ADDRESS);
        is("dc_open, bytes", CALL(dc_open, at, length, 0, 0), DC_ADDRESS);
    }
    is("dc_free", CALL(dc_free, block), DC_OK);
    is("dc_free, again", CALL(dc_free, block), DC_ADDRESS);
    is("dc_free, of nothing", CALL(dc_free, 0), DC_ADDRESS);
    is("dc_feed, of a freed block", CALL(dc_feed, session, now[1], now[2], block, 16), DC_ADDRESS);
    const uint64_t sessions[] = { 0, session + 1, UINT32_MAX, (uint32_t)INT32_MIN };
    for (size_t i = 0; i < sizeof sessions / sizeof sessions[0]; i++) {
        is("dc_next, session", CALL(dc_next, sessions[i], 0, 0), DC_SESSION);
        is("dc_save, session", CALL(dc_save, sessions[i]), DC_SESSION);
        is("dc_close, session", CALL(dc_close, sessions[i]), DC_SESSION);
    }
}

static void wrong_order(void)
{
    is("an end before a call", feed("{\"reply_end\":1}"), DC_UNKNOWN_REQUEST);
    is("a result before a call", feed("{\"tool_done\":\"c1\",\"result\":\"\"}"), DC_UNKNOWN_CALL);
    is("an answer before an operation", feed("{\"operation\":1,\"answer\":{\"done\":true}}"), DC_UNKNOWN_OPERATION);
    is("no input", feed("{\"reply\":1}"), DC_INPUT);
    is("no JSON", feed("{"), DC_INPUT);
    is("no text", prompt(" "), DC_EMPTY_PROMPT);
    is("no UTF-8", prompt("\xff"), DC_INPUT);
    is("nothing to advance", CALL(dc_advance, agent_now(0)[0], 1), DC_NOTHING_TO_ADVANCE);
    is("a prompt", prompt("How cold is it?"), DC_OK);
    is("a second", prompt("And now?"), DC_BUSY);
    is("call-model", says("call-model"), true);
    is("an end before the head", feed("{\"reply_end\":1}"), DC_OUT_OF_ORDER);
    is("no such piece", CALL(dc_body, agent_now(0)[0], 9999), DC_END);
    reply(1, CALL_TOOL);
    is("run-tool", says("run-tool"), true);
}

/* A result that takes many times its length once it is read. */
static char *swelling(size_t length)
{
    char *text = malloc(length + 1);
    size_t at = (size_t)sprintf(text, "{\"tool_done\":\"c1\",\"error\":[");
    while (at + 6 < length) at += (size_t)sprintf(text + at, "[],");
    strcpy(text + at, "0]}");
    return text;
}

int main(int count, char **arguments)
{
    FILE *file = count == 3 ? fopen(arguments[1], "rb") : NULL;
    static char code[1 << 20], again[1 << 20];
    size_t length = file ? fread(code, 1, sizeof code, file) : 0, saved_length;
    char config[2000];
    if (file) fclose(file);
    memcpy(again, code, length);
    snprintf(config, sizeof config, "{\"settings\":{\"model\":\"m\"},\"host_tools\":%s}", BOARD_TOOLS);
    if (!agent_start(code, length, arguments[2])) return 1;
    is("no configuration", agent_open("{}", NULL, 0), DC_CONFIG);
    is("nothing saved", agent_open(config, "nonsense", 8), DC_SAVED);
    is("a session", agent_open(config, NULL, 0) > 0, true);
    wrong_numbers();
    wrong_order();
    is("dc_save", agent_call(EXPORT_dc_save, agent_now(0)), DC_OK);
    const char *result = agent_result(&saved_length);
    char *saved = malloc(saved_length);
    memcpy(saved, result, saved_length);

    /* There is no memory for the first; the second fits, and what it becomes does not. */
    char *large = calloc(1, 50000001), *swells = swelling(1000000);
    memset(large, ' ', 50000000);
    is("50 MB", feed(large), DC_ADDRESS);
    is("a trap", feed(swells), DC_BROKEN);
    is("dc_next after it", agent_call(EXPORT_dc_next, agent_now(0)), DC_BROKEN);
    is("dc_alloc after it", CALL(dc_alloc, 8), 0);

    if (!agent_start(again, length, arguments[2])) return 1;
    is("what was saved", agent_open(config, saved, saved_length) > 0, true);
    is("call-model again", says("call-model"), true);
    reply(2, ANSWER);
    is("the answer", says("Cold."), true);
    is("dc_close", agent_call(EXPORT_dc_close, agent_now(0)), DC_OK);
    is("dc_close, again", agent_call(EXPORT_dc_close, agent_now(0)), DC_SESSION);
    free(large), free(swells), free(saved);
    printf("%d answers were wrong\n", wrong);
    return wrong ? 1 : 0;
}
