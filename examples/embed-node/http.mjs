// HTTP by fetch: the calls of the model and the exchanges of the web tools. The keys are here and nowhere else.

/** The credential of each slot that the session may name. A server of one's own may need none. */
const KEYS = {
  openai: process.env.OPENAI_API_KEY,
  anthropic: process.env.ANTHROPIC_API_KEY,
  brave: process.env.BRAVE_API_KEY,
};

/** What the session calls the errors of Node and of its fetch, by the start of their codes. The rest is `internal`. */
const CLASSES = [
  [/^(ENOTFOUND|EAI_)/, "dns"],
  [/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)/, "connect"],
  [/^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)/, "connect-timeout"],
  [/^UND_ERR_HEADERS_TIMEOUT/, "first-byte-timeout"],
  [/^UND_ERR_BODY_TIMEOUT/, "between-bytes-timeout"],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)/, "closed"],
  [/^(HPE_|UND_ERR_RES|Z_)/, "protocol"],
  [/^UND_ERR_HEADERS_OVERFLOW/, "too-large"],
  [/CERT|TLS|SSL|^EPROTO|^UNABLE_TO_/, "tls"],
];

function classOf(error) {
  if (typeof error === "string") return error; // What a timer below aborted with.
  const code = error.cause?.code ?? error.code;
  if (!code) return "invalid-request"; // What fetch itself refuses has none.
  return CLASSES.find(([codes]) => codes.test(code))?.[1] ?? "internal";
}

/** Sends a request, and gives first the head of the answer, then the pieces of its body as they come. */
async function* exchange({ method, url, headers, body, auth, timeouts }, signal) {
  const sent = new Headers(headers);
  const key = auth && KEYS[auth.slot];
  if (key && auth.scheme.tag === "bearer") sent.set("authorization", `Bearer ${key}`);
  else if (key) sent.set(auth.scheme.val, key);
  const late = new AbortController();
  let timer;
  const expect = (ms, otherwise) => {
    clearTimeout(timer);
    timer = setTimeout(() => late.abort(otherwise), Number(ms));
  };
  try {
    // fetch does not tell when the connection stands, so both stages share one patience.
    expect(timeouts.connectMs + timeouts.firstByteMs, "first-byte-timeout");
    const options = { method, headers: sent, body, duplex: "half", redirect: "manual" };
    const reply = await fetch(url, { ...options, signal: AbortSignal.any([signal, late.signal]) });
    // fetch has undone the encoding.
    yield { status: reply.status, headers: [...reply.headers].filter(([name]) => name !== "content-encoding") };
    expect(timeouts.betweenBytesMs, "between-bytes-timeout");
    for await (const bytes of reply.body ?? []) {
      yield bytes;
      expect(timeouts.betweenBytesMs, "between-bytes-timeout");
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Calls the model: the pieces of the body go out as they are read, those of the reply are told as they come. */
export async function callModel(call, body, tell, signal) {
  try {
    const headers = [...call.headers, ["content-length", `${call.contentLength}`]];
    const reply = exchange({ ...call, method: "POST", headers, body: ReadableStream.from(body) }, signal);
    const { status, headers: answered } = (await reply.next()).value;
    tell("replyStart", status, answered);
    for await (const bytes of reply) tell("replyChunk", bytes);
    tell("replyEnd");
  } catch (error) {
    tell("replyFailed", classOf(error));
  }
}

/** Performs an exchange of `web_fetch` or `web_search`, as far as its answer is wanted. */
export async function performWeb(operation, signal) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort("total-timeout"), Number(operation.totalMs));
  try {
    const body = operation.body.length > 0 ? operation.body : undefined;
    const reply = exchange({ ...operation, body }, AbortSignal.any([signal, late.signal]));
    const { status, headers } = (await reply.next()).value;
    const pieces = [];
    let length = 0;
    for await (const bytes of reply) {
      pieces.push(bytes);
      length += bytes.length;
      if (length > operation.maxBytes) break;
    }
    const wanted = Buffer.concat(pieces).subarray(0, operation.maxBytes);
    return { tag: "reply", val: { status, headers, body: wanted, whole: length <= operation.maxBytes } };
  } catch (error) {
    return { tag: "http-failed", val: classOf(error) };
  } finally {
    clearTimeout(timer);
  }
}
