/* The parts of the program, and what each can do for the others. */
#ifndef EMBED_H
#define EMBED_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dewclaw.h"

static inline const char *text_of(const cJSON *object, const char *member)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, member));
    return text ? text : "";
}

static inline double number_of(const cJSON *object, const char *member)
{
    const cJSON *number = cJSON_GetObjectItem(object, member);
    return cJSON_IsNumber(number) ? number->valuedouble : 0;
}

/* agent.c: the module in WAMR, with one session. Its functions have numbers here: EXPORT_dc_next and so on. */
#define NUMBER(name, takes, gives) EXPORT_##name,
enum export { DC_EXPORTS(NUMBER) EXPORTS };
#undef NUMBER
/* Loads the module, which WAMR keeps, and grants it one folder as its workspace. What is wrong is said on standard error. */
bool agent_start(void *code, size_t length, const char *folder);
/* Calls a function with these numbers. DC_BROKEN where it trapped, which is said on standard error. */
int32_t agent_call(enum export function, const uint64_t numbers[]);
/* The same, with bytes by address and length as the last two numbers. */
int32_t agent_tell(enum export function, const uint64_t numbers[], const void *bytes, size_t length);
int32_t agent_open(const char *config, const void *saved, size_t length);
/* The session, both clocks, and an id: what its functions take first. */
const uint64_t *agent_now(uint64_t id);
/* The last call's result, good until the next call. It does not end with a zero byte. */
const char *agent_result(size_t *length);
/* Tells the session an input: printf's way, or an object, which is freed. */
void agent_feed(const char *input, ...);
void agent_feed_json(cJSON *input);

/* board.c: the tool. Its definition for the session, and what runs a call: an object with "result" or "error". */
extern const char BOARD_TOOLS[];
cJSON *board_read_temperature(const char *arguments);

/* model.c: one call of the model at a time, over plain HTTP. */
void model_call(const cJSON *effect);
/* Waits for more of its reply, and tells it. */
void model_wait(void);
void model_drop(void);
void model_interrupt(void);

/* terminal.c: the person. */
void terminal_start(void);
void terminal_show(const char *type, const cJSON *event);
const char *terminal_ask(const char *name);
bool terminal_interrupted(void);

#endif
