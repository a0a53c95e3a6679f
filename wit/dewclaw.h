/*
 * dewclaw.h: an agent in a WebAssembly module, for a host that is written in C.
 *
 * dewclaw-wamr.wasm is a program for `iwasm` and a library in one. This file is the contract of the library, and the
 * only copy of it: what the module exports, what each function takes and answers, and what the host must promise.
 * Nothing here is linked:
 * a host loads the module into a runtime such as WAMR, looks the functions up by name, and calls them.
 * examples/embed-c is such a host, on WAMR.
 *
 *
 * The idea
 * --------
 *
 * The module never calls the host. It is asked what must be done next (dc_next) and told what happened (dc_feed),
 * until the run is over. So a host is one loop, in a task of its own or not:
 *
 *     session = dc_open(configuration)
 *     dc_prompt(session, "How warm is it in the greenhouse?")
 *     for (;;) {
 *         dc_next(session)          its result is an object, whose "type" says what to do:
 *         "text" and other events   show it, or pass over it
 *         "call-model"              send this request; dc_feed the reply's head, dc_chunk its body, dc_feed its end
 *         "run-tool"                read the sensor; dc_feed the result
 *         "approve"                 ask somebody; dc_feed the verdict
 *         "operate"                 work on a file or fetch a page; dc_feed the answer
 *         "wait"                    nothing to do before this moment: sleep, then ask again
 *         "pending"                 nothing to do before what was asked for has happened: wait for that
 *         "finished"                the run is over; dc_prompt goes on with the conversation
 *     }
 *
 * Nothing blocks but dc_advance. Several things may be asked for before the first of them is answered, and answers
 * may come in any order. The module has no clock of its own here: calls that need the time are given it.
 *
 *
 * Numbers and texts
 * -----------------
 *
 * A wasm function takes and gives numbers: i32 and i64 below. Texts and other bytes go by address and length in the
 * module's own memory, which the host reaches through its runtime:
 *
 *     at = dc_alloc(length)                   a block of the module's memory that is the host's now
 *     copy the bytes to `at`                  WAMR: wasm_runtime_addr_app_to_native(instance, at)
 *     dc_prompt(…, at, length)                the module reads them, and keeps no pointer to them
 *     dc_free(at)                             at once, or after more calls: a block may be used again
 *
 * An address and a length must lie within one block that dc_alloc gave and that was not freed; anything else is
 * answered by DC_ADDRESS. A length of 0 is no bytes, whatever the address.
 *
 * What a call has to say besides its status is its result: dc_result gives its place, the length in the upper 32 bits
 * and the address in the lower. It is the module's: read it, or copy it, before the next call of any function but
 * dc_result, dc_alloc and dc_free; never write to it. It does not end with a zero byte. The module's memory may move
 * in the host's address space when it grows: turn an address into a pointer after the last call, never before.
 *
 * Texts are UTF-8. Numbers of the interface in JSON are whole, up to 2^64 - 1; the host's own may be written with any
 * spaces and in any order, and members that this file does not name are passed over (but for those of a
 * configuration).
 *
 *
 * Keys
 * ----
 *
 * There is no place for a key: no function takes one and no effect carries one. "call-model" names the *slot* of a
 * credential and the header that it belongs in; the host adds that header when it sends the request, and takes the
 * key out of what a server sends back of it. So a saved session holds no key either. (Only where the module itself
 * calls the model does it take the key from its WASI environment, as the command `ask` does.)
 *
 *
 * When a call traps
 * -----------------
 *
 * Whatever the host passes in, no function traps because of it: each misuse has a status of its own and changes
 * nothing. A trap means a bug in the module, or that its memory is at the limit that the host has set. (dc_alloc does
 * not trap: it answers 0.) The blast radius is the instance: the host and other instances are unharmed, every session
 * of this one is lost, and what it is called for later is answered by DC_BROKEN (by 0 of dc_alloc and dc_result), or
 * traps again where its stack was at its end. End the instance, make a new one, and dc_open what was saved. One
 * session for each instance makes the radius one conversation. (WAMR remembers an exception, and takes it for the
 * next call's: wasm_runtime_clear_exception before that.)
 *
 *
 * What the host promises
 * ----------------------
 *
 * - One call at a time for each instance: no second thread, no call from within a call.
 * - `monotonic_ms` never goes back.
 * - A request is sent as it is, where it is asked for; no redirect is followed. Its body is taken by dc_body before
 *   anything else is told of it. Its reply is told in order: the head, the body's bytes as they come, cut anywhere,
 *   and one end or one failure. After "drop-reply" or "drop-operation" nothing more is told of it.
 * - Timeouts are kept, and told as such: the class of a failure decides whether the call is made again.
 * - A tool is run when "run-tool" says so, once, and each "run-tool" gets a result, also where the tool failed.
 * - Paths of files are relative and clean; links are the host's to refuse.
 */
#ifndef DEWCLAW_H
#define DEWCLAW_H

/* The version of this contract, as dc_version answers it. A host refuses a module of another one. */
#define DC_VERSION 1

/*
 * What the functions answer. From 0 on it went well. Below 0 nothing was changed, and dc_result says why, in words
 * for whoever wrote the host.
 */
enum dc_status {
    /* Done. The result is what the function says. */
    DC_OK = 0,
    /* dc_body: the request has no piece of this index, nor of a higher one. */
    DC_END = 1,
    /* A call of this instance has trapped: it can't be used any more. No words. */
    DC_BROKEN = -1,
    /* These bytes are not all in one block that dc_alloc gave; or dc_free: no block begins there. */
    DC_ADDRESS = -2,
    /* No session of this number is open. */
    DC_SESSION = -3,
    /* dc_feed: this is no input. dc_prompt: this is not UTF-8. */
    DC_INPUT = -4,
    /* dc_open: something is wrong with the configuration. dc_compact: this module can't compact. */
    DC_CONFIG = -5,
    /* dc_open: the saved bytes are not of a session, are cut off or damaged, or do not fit the configuration. */
    DC_SAVED = -6,
    /* dc_prompt, dc_compact: a run goes on. */
    DC_BUSY = -7,
    /* dc_prompt: there is no text. */
    DC_EMPTY_PROMPT = -8,
    /* No such model call is in flight. */
    DC_UNKNOWN_REQUEST = -9,
    /* The body or the end of a reply before its head, or a second head. */
    DC_OUT_OF_ORDER = -10,
    /* No such operation is open. */
    DC_UNKNOWN_OPERATION = -11,
    /* The answer to an operation on files is one of the web, or the other way round. */
    DC_WRONG_ANSWER = -12,
    /* No such tool call waits for a result or a verdict. */
    DC_UNKNOWN_CALL = -13,
    /* dc_advance: the host does everything in this session. */
    DC_NOTHING_TO_ADVANCE = -14
};

/*
 * The functions: X(name, parameters, results), a letter for each number, `i` for an i32 and `I` for an i64, in WAMR's
 * manner. Every i32 that is an address, a length, an index, an id or a time is unsigned, and every i64 is.
 *
 * dc_version() -> version
 *     DC_VERSION.
 *
 * dc_alloc(length) -> address
 *     A block of so many bytes, each 0. 0 where there is no memory for it, and for no bytes.
 *
 * dc_free(address) -> status
 *     Ends a block, by the address that dc_alloc gave: DC_ADDRESS for any other, a second time too.
 *
 * dc_open(config, config_length, saved, saved_length) -> session, or a status below 0
 *     Opens a session: a conversation. The configuration is an object, below. `saved` are the bytes that dc_save gave
 *     here or anywhere, and the session goes on where that one was, also in the middle of a run; with no bytes it is
 *     new. Settings and tools are given anew, and may be others than they were. A tool call that had begun and has no
 *     result becomes an error, `interrupted, effect unknown`, and is never run again; a model call that was in flight
 *     is made again. Many sessions may be open at once; they share nothing. A session's number is above 0, and never
 *     given twice. Fails with DC_CONFIG and DC_SAVED.
 *
 * dc_close(session) -> status
 *     Ends a session, and gives its memory back to the module.
 *
 * dc_prompt(session, monotonic_ms, wall_ms, text, text_length) -> status
 *     Begins a run. The times are of both clocks, here and below: one that never goes back, from any start, and the
 *     one since 1970-01-01T00:00:00Z, in milliseconds. Fails with DC_BUSY, DC_EMPTY_PROMPT and DC_INPUT.
 *
 * dc_compact(session, monotonic_ms, wall_ms) -> status
 *     Begins a run that only compacts: the model sums up the conversation so far, and the summary, which is the run's
 *     text, takes its place. Where there is nothing to sum up, a notice says so; where no summary can be had the run
 *     fails, and the conversation stays as it is. Fails with DC_BUSY, and with DC_CONFIG in a module that can't compact.
 *
 * dc_next(session, monotonic_ms, wall_ms) -> status
 *     The result is what must happen next: an effect, below. Each is given once, but for "wait", "pending" and
 *     "finished".
 *
 * dc_body(session, index) -> status
 *     The result is piece `index`, from 0, of the body of the request that "call-model" asked for last. The pieces in
 *     order, with nothing between them, are the body. DC_END after the last one.
 *
 * dc_chunk(session, monotonic_ms, wall_ms, id, bytes, bytes_length) -> status
 *     Bytes of the body of the reply to model call `id`, as they came. Fails with DC_UNKNOWN_REQUEST and
 *     DC_OUT_OF_ORDER.
 *
 * dc_feed(session, monotonic_ms, wall_ms, input, input_length) -> status
 *     Something that happened: an input, below. Fails with DC_INPUT, and as each input says.
 *
 * dc_advance(session, max_ms) -> status
 *     Only where the module calls the model or fetches pages itself: goes on with what is in flight for at most so many
 *     milliseconds, or until there is something to show or something for the host to do. The result is an array of
 *     the events that are to be shown. Time is taken from the module's own WASI clock, counted from the moment that
 *     was told last. Call it where dc_next says "pending"; "wait" is not said then. Fails with DC_NOTHING_TO_ADVANCE.
 *
 * dc_usage(session) -> status
 *     The result is {"input_tokens":1200,"output_tokens":50,"cached_tokens":0}: since the session was opened.
 *
 * dc_save(session) -> status
 *     The result is the conversation, and how far it is, as bytes that hold no key. Between any two calls; costs one
 *     copy of it.
 *
 * dc_result() -> place
 *     Where the last call's result lies: its length in the upper 32 bits, its address in the lower.
 */
#define DC_EXPORTS(X)                                                                                                  \
    X(dc_version, "", "i")                                                                                             \
    X(dc_alloc, "i", "i")                                                                                              \
    X(dc_free, "i", "i")                                                                                               \
    X(dc_open, "iiii", "i")                                                                                            \
    X(dc_close, "i", "i")                                                                                              \
    X(dc_prompt, "iIIii", "i")                                                                                         \
    X(dc_compact, "iII", "i")                                                                                          \
    X(dc_next, "iII", "i")                                                                                             \
    X(dc_body, "ii", "i")                                                                                              \
    X(dc_chunk, "iIIiii", "i")                                                                                         \
    X(dc_feed, "iIIii", "i")                                                                                           \
    X(dc_advance, "ii", "i")                                                                                           \
    X(dc_usage, "i", "i")                                                                                              \
    X(dc_save, "i", "i")                                                                                               \
    X(dc_result, "", "I")

/*
 * A configuration is an object. Only "settings" must be there, and in it "model"; a member that is not of these is
 * refused.
 *
 *     "settings"    an object with the settings of dewclaw.json: "model", "wire", "base_url", "system", "stream",
 *                   "max_steps", "approve", "read_only", "allow_fetch" and so on
 *     "tools"       an array of the names of the built-in tools that the model is offered; left out: all that the
 *                   settings leave
 *     "host_tools"  an array of the host's own tools, offered beside them: "name" (1 to 64 letters, digits, _ and -),
 *                   "description" for the model, "parameters" (a JSON Schema of an object: calls are checked against it
 *                   first), "writes" (whether a call can change anything), "parallel" (whether its calls may run beside
 *                   others of the same reply); both are false when left out
 *     "model"       "host" or "module": who calls the model. "host" when left out, as the two below
 *     "files"       who performs the operations on files. The module does so through WASI, on the folder that the host
 *                   has preopened as "/"
 *     "web"         who performs the exchanges of web_fetch and web_search
 *     "seed"        64 bits that nobody can predict, for the jitter of retries. Restored sessions keep theirs
 *
 *     {"settings":{"model":"qwen3","base_url":"http://10.0.0.2:11434/v1","approve":"writes"},
 *      "host_tools":[{"name":"read_temperature","description":"Reads the board's thermometer, in degrees Celsius.",
 *                     "parameters":{"type":"object","properties":{}},"writes":false,"parallel":true}],
 *      "files":"module","seed":15437803459833453861}
 *
 *
 * Effects: what dc_next says
 * --------------------------
 *
 * Send a POST request to the model. The body is dc_body's. The host adds content-length, and, if it has a key for the
 * slot, the header with the prefix and the key as its value. How long to wait for the connection, for the reply's
 * head, and between two pieces of it:
 *
 *     {"type":"call-model","id":1,"url":"http://10.0.0.2:11434/v1/chat/completions",
 *      "headers":{"content-type":"application/json","accept":"application/json, text/event-stream"},
 *      "content_length":2300,
 *      "auth":{"slot":"openai","header":"authorization","prefix":"Bearer "},
 *      "connect_ms":10000,"first_byte_ms":120000,"between_bytes_ms":60000}
 *
 * Let go of a model call, or of an operation:
 *
 *     {"type":"drop-reply","id":1}
 *     {"type":"drop-operation","id":4}
 *
 * Run a tool of the host's own; or ask whether a call may run. The arguments are JSON in a string, as the model wrote
 * them; those of "run-tool" fit the schema:
 *
 *     {"type":"run-tool","call":"call_1","name":"read_temperature","arguments":"{}"}
 *     {"type":"approve","call":"call_2","name":"write_file","arguments":"{\"path\":\"a.txt\",\"content\":\"21.5\"}"}
 *
 * Nothing to do before this moment of the monotonic clock, unless something that was asked for happens first; or
 * before that:
 *
 *     {"type":"wait","until_ms":81250}
 *     {"type":"pending"}
 *
 * The run is over. "reason" is "answered", "step-limit", "budget", "length", "refused", "failed" or "cancelled";
 * "exit_code" is 0 done, 1 cancelled, 3 model unreachable or refused, 4 limit reached, 5 denied. "error" is there only
 * where it failed:
 *
 *     {"type":"finished","reason":"answered","exit_code":0,"text":"It is 21.5 degrees.",
 *      "usage":{"input_tokens":1200,"output_tokens":50,"cached_tokens":0}}
 *     {"type":"finished","reason":"failed","exit_code":3,"text":"",
 *      "usage":{"input_tokens":0,"output_tokens":0,"cached_tokens":0},
 *      "error":{"kind":"connection","message":"could not connect to the server"}}
 *
 * Any other type is an event: something to show, or to pass over. docs/agent.md tells each:
 *
 *     {"type":"text","text":"It is "}
 *     {"type":"reasoning","text":"I should look."}
 *     {"type":"reply-discarded","reason":"the connection closed"}
 *     {"type":"tool-started","call":"call_1","name":"read_temperature","arguments":"{}"}
 *     {"type":"tool-finished","call":"call_1","name":"read_temperature","ok":true,"result":{"celsius":21.5}}
 *     {"type":"retry","attempt":1,"wait_ms":1000,"cause":"could not connect to the server"}
 *     {"type":"usage","input_tokens":1200,"output_tokens":50,"cached_tokens":0}
 *     {"type":"notice","text":"the memory is full"}
 *
 * Only where "files" or "web" is the host's: perform an operation. Bytes are "text" where they are UTF-8, else
 * "base64".
 * "read" wants the bytes from an offset, "replace" puts a file in another's place atomically, "append" adds to one's
 * end (both make what is missing, folders too), "list" wants the first entries of a folder by name, "stat" what stands
 * there:
 *
 *     {"type":"operate","id":4,"do":{"read":"notes/todo.md","offset":0,"length":65536}}
 *     {"type":"operate","id":4,"do":{"replace":"notes/todo.md","text":"- water the plants\n"}}
 *     {"type":"operate","id":4,"do":{"append":"log.txt","text":"21.5\n"}}
 *     {"type":"operate","id":4,"do":{"list":"notes","limit":200}}
 *     {"type":"operate","id":4,"do":{"stat":"notes"}}
 *     {"type":"operate","id":5,"do":{"http":"GET","url":"https://example.com/",
 *      "headers":{"accept":"text/html"},"max_bytes":1000000,"text":""},
 *      "connect_ms":10000,"first_byte_ms":30000,"between_bytes_ms":30000,"total_ms":60000}
 *
 *
 * Inputs: what dc_feed takes
 * --------------------------
 *
 * The head of the reply to a model call, of whose headers "content-type" and "retry-after" are read; the end of its
 * body; or that it failed on the way. Its body goes by dc_chunk. Fails with DC_UNKNOWN_REQUEST and DC_OUT_OF_ORDER:
 *
 *     {"reply_start":1,"status":200,"headers":{"content-type":"text/event-stream"}}
 *     {"reply_end":1}
 *     {"reply_failed":1,"error":"connect-timeout"}
 *
 * where the error is unsupported, invalid-request, denied, dns, connect, tls, connect-timeout, first-byte-timeout,
 * between-bytes-timeout, total-timeout, closed, protocol, too-large, internal, no-tls, name-denied, address-denied,
 * refused, unreachable or reset.
 *
 * What came of a tool of the host's own: any text or JSON for the model, which is handed at most 64 KiB of it; or
 * words that say what went wrong and what to do. Fails with DC_UNKNOWN_CALL:
 *
 *     {"tool_done":"call_1","result":"{\"celsius\":21.5}"}
 *     {"tool_done":"call_1","error":"the sensor does not answer: check its cable"}
 *
 * What was decided on a call: "approved", "refused", or "unanswered" where there is nobody to ask. Fails with
 * DC_UNKNOWN_CALL:
 *
 *     {"verdict":"approved","call":"call_2"}
 *
 * Stop the run: the outcome is "cancelled", and the conversation can be gone on with. Never fails:
 *
 *     {"cancel":true}
 *
 * What came of an operation. Fails with DC_UNKNOWN_OPERATION and DC_WRONG_ANSWER. Of "read" ("end": whether the file
 * ends with these bytes), "list" (name, kind and bytes of each entry, by name; and how many there are in all),
 * "stat", "replace" and "append":
 *
 *     {"operation":4,"answer":{"end":true,"text":"- water the plants\n"}}
 *     {"operation":4,"answer":{"entries":[["todo.md","file",19],["old","folder",0]],"total":2}}
 *     {"operation":4,"answer":{"kind":"folder","size":0}}
 *     {"operation":4,"answer":{"done":true}}
 *     {"operation":4,"answer":{"error":"not-found"}}
 *
 * where a kind is file, folder, link or special, and the error not-found, denied, read-only, is-folder, not-folder,
 * not-empty, exists, no-space, too-large, invalid-path, special, unsupported, no-root or io. Of "http", as far as
 * "max_bytes" ("whole":
 * whether that is all), where "content-type", "content-encoding", "location" and "retry-after" are read of the
 * headers; or the class of a failure, as above:
 *
 *     {"operation":5,"answer":{"status":200,"headers":{"content-type":"text/html"},"whole":true,
 *      "text":"<p>Hello.</p>"}}
 *     {"operation":5,"answer":{"http_error":"dns"}}
 */

#endif
