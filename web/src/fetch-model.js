// Calls a model from a browser: a session's model call, performed by fetch.
//
// The key is added here and is nowhere else. What fetch can't tell apart is told as what it is: see problem.js.

import { explained, isMixedContent } from "./problem.js";

/** setTimeout takes no more. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * @param {object} call the session's `model-call`
 * @param {Uint8Array} body
 * @param {import("./agent.js").Reply} reply
 * @param {{ key: string, onProblem: (problem: import("./problem.js").Problem) => void }} page
 * @returns {() => void} lets go of the call
 */
export function callModel(call, body, reply, { key, onProblem }) {
  const { url, timeouts } = call;
  const abort = new AbortController();
  let dropped = false;
  let late; // The patience that ran out.
  let timer;
  const patience = (milliseconds, httpError) => {
    clearTimeout(timer);
    const delay = Math.min(Number(milliseconds), MAX_DELAY_MS);
    timer = setTimeout(() => {
      late = httpError;
      abort.abort();
    }, delay);
  };
  const fail = (httpError, kind) => {
    if (dropped) return;
    onProblem(explained(kind ?? httpError, url));
    reply.failed(httpError);
  };

  const perform = async () => {
    if (isMixedContent(url)) return fail("denied", "mixed-content");
    let answer;
    try {
      // A browser shows no difference between a connection that is made and one that is not: one patience for both.
      patience(timeouts.connectMs + timeouts.firstByteMs, "first-byte-timeout");
      answer = await fetch(url, {
        method: "POST",
        headers: headersOf(call, key),
        body,
        signal: abort.signal,
        // A redirect could carry the key to where nobody meant it to go.
        redirect: "manual",
        credentials: "omit",
        cache: "no-store",
        referrerPolicy: "no-referrer",
      });
    } catch {
      if (late) return fail(late);
      if (dropped) return;
      const kind = await whyNot(url, abort.signal);
      return fail(kind === "cors" ? "denied" : "connect", kind);
    }
    if (answer.type === "opaqueredirect") return fail("denied", "redirect");
    reply.start(answer.status, [...answer.headers]);
    try {
      const reader = answer.body.getReader();
      for (;;) {
        patience(timeouts.betweenBytesMs, "between-bytes-timeout");
        const { done, value } = await reader.read();
        if (done) break;
        reply.chunk(value);
      }
    } catch {
      return fail(late ?? "closed");
    }
    reply.end();
  };
  perform().finally(() => clearTimeout(timer));

  return () => {
    dropped = true;
    abort.abort();
  };
}

/** The session's headers, the key in its seat, and what a vendor wants of browsers. */
function headersOf({ headers, auth }, key) {
  const all = new Headers(headers);
  if (key) {
    if (auth.scheme.tag === "bearer") all.set("authorization", `Bearer ${key}`);
    else all.set(auth.scheme.val, key);
  }
  if (auth.slot === "anthropic") all.set("anthropic-dangerous-direct-browser-access", "true");
  return all;
}

/**
 * Why a request got no answer that a page may see. fetch says the same of a server that can't be reached and of one that
 * does not allow this page; a request whose answer nobody reads gets through to the second.
 */
async function whyNot(url, signal) {
  if (globalThis.navigator?.onLine === false) return "offline";
  try {
    await fetch(new URL("/", url), {
      mode: "no-cors",
      credentials: "omit",
      cache: "no-store",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]),
    });
    return "cors";
  } catch {
    return "unreachable";
  }
}
