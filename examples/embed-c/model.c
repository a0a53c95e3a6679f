/* A call of the model: HTTP/1.1 over a socket, to a server on the board's network. The key is here and nowhere else. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "embed.h"

/* The one call in flight. Bytes are left of the body, or of its chunk; UINT64_MAX where the connection's end is its end. */
static struct {
    int socket;
    FILE *stream;
    uint32_t id;
    uint64_t left, between_bytes_ms;
    bool in_body, chunked;
} reply = { .socket = -1 };

void model_drop(void)
{
    if (reply.stream) fclose(reply.stream);
    else if (reply.socket >= 0) close(reply.socket);
    reply.stream = NULL, reply.socket = -1;
}

/* Safe in a signal's handler: whoever reads or writes finds the connection ended. */
void model_interrupt(void) { shutdown(reply.socket, SHUT_RDWR); }

static void done(void)
{
    agent_feed("{\"reply_end\":%u}", (unsigned)reply.id);
    model_drop();
}

/* A wait that took too long is the error `late`. */
static void fail(const char *late, const char *otherwise)
{
    bool is_late = errno == EAGAIN || errno == EINPROGRESS;
    agent_feed("{\"reply_failed\":%u,\"error\":\"%s\"}", (unsigned)reply.id, is_late ? late : otherwise);
    model_drop();
}

static void wait_at_most(int option, double ms)
{
    struct timeval time = { (time_t)(ms / 1000), (suseconds_t)((uint64_t)ms % 1000 * 1000) };
    setsockopt(reply.socket, SOL_SOCKET, option, &time, sizeof time);
}

static bool send_all(const char *bytes, size_t length)
{
    for (ssize_t sent; length > 0; bytes += sent, length -= (size_t)sent)
        if ((sent = send(reply.socket, bytes, length, MSG_NOSIGNAL)) < 0) return false;
    return true;
}

void model_call(const cJSON *effect)
{
    char host[256] = "", port[6] = "80", path[1024] = "/", head[4096];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
    const cJSON *auth = cJSON_GetObjectItem(effect, "auth"), *header;
    const char *url = text_of(effect, "url"), *key = getenv("OPENAI_API_KEY");
    reply.id = (uint32_t)number_of(effect, "id");
    reply.between_bytes_ms = (uint64_t)number_of(effect, "between_bytes_ms");
    reply.in_body = reply.chunked = false, reply.left = UINT64_MAX, errno = 0;
    if (sscanf(url, "http://%255[^:/]:%5[0-9]%1023s", host, port, path) < 2 &&
        sscanf(url, "http://%255[^:/]%1023s", host, path) < 1) {
        fail("", "unsupported");
        return;
    }
    char *at = head, *end = head + sizeof head;
    at += snprintf(at, (size_t)(end - at), "POST %s HTTP/1.1\r\nhost: %s:%s\r\nconnection: close\r\n", path, host, port);
    at += snprintf(at, (size_t)(end - at), "content-length: %.0f\r\n", number_of(effect, "content_length"));
    cJSON_ArrayForEach(header, cJSON_GetObjectItem(effect, "headers"))
        at += snprintf(at, (size_t)(end - at), "%.100s: %.200s\r\n", header->string, cJSON_GetStringValue(header));
    if (key && strcmp(text_of(auth, "slot"), "openai") == 0)
        at += snprintf(at, (size_t)(end - at), "%s: %s%.1000s\r\n", text_of(auth, "header"), text_of(auth, "prefix"), key);
    at += snprintf(at, (size_t)(end - at), "\r\n");

    if (getaddrinfo(host, port, &hints, &found)) {
        errno = 0;
        fail("", "dns");
        return;
    }
    reply.socket = socket(found->ai_family, SOCK_STREAM, 0);
    wait_at_most(SO_SNDTIMEO, number_of(effect, "connect_ms"));
    wait_at_most(SO_RCVTIMEO, number_of(effect, "first_byte_ms"));
    bool connected = connect(reply.socket, found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
    reply.stream = fdopen(reply.socket, "rb");
    if (!connected || !reply.stream) {
        fail("connect-timeout", "connect");
        return;
    }
    bool sent = send_all(head, (size_t)(at - head));
    for (uint32_t i = 0; sent && agent_call(EXPORT_dc_body, (uint64_t[]){ agent_now(0)[0], i }) == DC_OK; i++) {
        size_t length;
        const char *piece = agent_result(&length);
        sent = send_all(piece, length);
    }
    if (!sent) fail("between-bytes-timeout", "closed");
}

/* Reads the head of the reply, and tells it. */
static void read_head(void)
{
    char line[1024] = "", value[1000];
    unsigned status = 0;
    if (!fgets(line, sizeof line, reply.stream) || sscanf(line, "HTTP/1.%*1u %3u", &status) != 1) {
        fail("first-byte-timeout", *line ? "protocol" : "closed");
        return;
    }
    cJSON *start = cJSON_CreateObject(), *headers = cJSON_AddObjectToObject(start, "headers");
    cJSON_AddNumberToObject(start, "reply_start", reply.id);
    cJSON_AddNumberToObject(start, "status", status);
    while (fgets(line, sizeof line, reply.stream) && line[0] != '\r' && line[0] != '\n') {
        char *colon = strchr(line, ':');
        if (!colon || sscanf(colon + 1, " %999[^\r\n]", value) != 1) continue;
        *colon = 0;
        if (strcasecmp(line, "content-type") == 0) cJSON_AddStringToObject(headers, "content-type", value);
        if (strcasecmp(line, "retry-after") == 0) cJSON_AddStringToObject(headers, "retry-after", value);
        if (strcasecmp(line, "content-length") == 0) reply.left = strtoull(value, NULL, 10);
        if (strcasecmp(line, "transfer-encoding") == 0) reply.chunked = strcasecmp(value, "chunked") == 0;
    }
    reply.in_body = true;
    wait_at_most(SO_RCVTIMEO, (double)reply.between_bytes_ms);
    if (reply.chunked) reply.left = 0;
    agent_feed_json(start);
    if (reply.left == 0 && !reply.chunked) done();
}

void model_wait(void)
{
    char bytes[2048], line[100];
    errno = 0;
    if (!reply.in_body) {
        read_head();
        return;
    }
    if (reply.left == 0) {
        /* A chunk begins with a line that has its size. */
        if (fgets(line, sizeof line, reply.stream)) reply.left = strtoull(line, NULL, 16);
        if (ferror(reply.stream) || feof(reply.stream)) fail("between-bytes-timeout", "closed");
        else if (reply.left == 0) done();
        return;
    }
    size_t got = fread(bytes, 1, reply.left < sizeof bytes ? (size_t)reply.left : sizeof bytes, reply.stream);
    bool to_the_end = reply.left > UINT64_MAX / 2;
    reply.left -= got;
    if (got > 0) agent_tell(EXPORT_dc_chunk, agent_now(reply.id), bytes, got);
    if (reply.left == 0 && !reply.chunked) done();
    else if (reply.left == 0) fgets(line, sizeof line, reply.stream);
    else if (feof(reply.stream) && to_the_end) done();
    else if (ferror(reply.stream) || feof(reply.stream)) fail("between-bytes-timeout", "closed");
}
