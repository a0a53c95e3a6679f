/* The person: the answer on standard output, all else on standard error, questions, Ctrl-C. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "embed.h"

static volatile sig_atomic_t interrupted;
static bool in_line;

/* Ends what the program may be waiting for, now or a moment later. A second Ctrl-C ends the program. */
static void interrupt(int number)
{
    interrupted = 1;
    model_interrupt();
    close(STDIN_FILENO);
    signal(number, SIG_DFL);
}

bool terminal_interrupted(void) { return interrupted; }

void terminal_start(void)
{
    struct sigaction action = { .sa_handler = interrupt };
    sigaction(SIGINT, &action, NULL);
}

/* Prints what others wrote, without what a terminal would obey: control codes, the two-byte ones too. */
static void plain(FILE *to, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        bool two = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;
        putc((*at < ' ' && *at != '\n' && *at != '\t') || *at == 0x7f || two ? ' ' : *at, to);
        at += two;
    }
    fflush(to);
}

/* A note beside the answer: texts, up to NULL. */
static void note(const char *text, ...)
{
    va_list texts;
    if (in_line) putchar('\n'), fflush(stdout), in_line = false;
    va_start(texts, text);
    for (; text; text = va_arg(texts, const char *)) plain(stderr, text);
    va_end(texts);
}

void terminal_show(const char *type, const cJSON *event)
{
    if (strcmp(type, "text") == 0) {
        const char *text = text_of(event, "text");
        plain(stdout, text);
        in_line = *text && text[strlen(text) - 1] != '\n';
    } else if (strcmp(type, "reply-discarded") == 0) {
        note("(the text above does not count: ", text_of(event, "reason"), ")\n", NULL);
    } else if (strcmp(type, "tool-started") == 0) {
        note("* ", text_of(event, "name"), " ", text_of(event, "arguments"), "\n", NULL);
    } else if (strcmp(type, "tool-finished") == 0 && cJSON_IsFalse(cJSON_GetObjectItem(event, "ok"))) {
        note("  ! ", text_of(cJSON_GetObjectItem(cJSON_GetObjectItem(event, "result"), "error"), "message"), "\n", NULL);
    } else if (strcmp(type, "retry") == 0) {
        note("(", text_of(event, "cause"), "; trying again)\n", NULL);
    } else if (strcmp(type, "notice") == 0) {
        note("(", text_of(event, "text"), ")\n", NULL);
    } else if (strcmp(type, "finished") == 0) {
        const cJSON *error = cJSON_GetObjectItem(event, "error"), *used = cJSON_GetObjectItem(event, "usage");
        const char *why = error ? text_of(error, "message") : text_of(event, "reason");
        if (strcmp(why, "answered") != 0) note("embed-c: ", why, "\n", NULL);
        note("", NULL);
        fprintf(stderr, "# tokens: %.0f in (%.0f cached), %.0f out\n", number_of(used, "input_tokens"),
                number_of(used, "cached_tokens"), number_of(used, "output_tokens"));
    }
}

const char *terminal_ask(const char *name)
{
    char letter = 0, first = 0;
    note("  May ", name, " run? [y]es, [n]o: ", NULL);
    while (letter != '\n') {
        if (read(STDIN_FILENO, &letter, 1) != 1) return "unanswered";
        if (!first) first = letter;
    }
    return first == 'y' || first == 'Y' ? "approved" : "refused";
}
