// A model server of chat completions for tests: replies that the test writes, in pieces that it lets go one by one.

import { createServer } from "node:http";

/**
 * @typedef {object} ModelServer
 * @property {string} baseUrl
 * @property {{ path: string, headers: Record<string, string>, body: any, closed: Promise<void> }[]} requests but for preflights
 * @property {Promise<void>} asked by the first request
 * @property {() => void} close
 */

/**
 * @param {((response: import("node:http").ServerResponse) => unknown)[]} replies one for each request in turn
 * @param {{ cors?: boolean }} [allows]
 * @returns {Promise<ModelServer>}
 */
export async function modelServer(replies, { cors = true } = {}) {
  const requests = [];
  const first = gate();
  const server = createServer(async (request, response) => {
    if (cors) {
      response.setHeader("access-control-allow-origin", request.headers.origin ?? "*");
      response.setHeader("access-control-allow-headers", request.headers["access-control-request-headers"] ?? "*");
    }
    if (request.method !== "POST") return response.writeHead(cors ? 204 : 403).end();
    let body = "";
    for await (const chunk of request) body += chunk;
    const closed = new Promise((resolve) => response.on("close", resolve));
    requests.push({ path: request.url, headers: request.headers, body: JSON.parse(body), closed });
    first.open();
    const reply = replies[requests.length - 1];
    return reply ? reply(response) : response.writeHead(500).end("the test has no more replies");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { baseUrl: `http://127.0.0.1:${server.address().port}/v1`, requests, asked: first.opened, close };
}

/** The pieces of a streamed reply. @param {object[]} deltas @param {string} reason */
export function stream(deltas, reason = "stop", usage = { prompt_tokens: 1200, completion_tokens: 34, total_tokens: 1234 }) {
  const line = (value) => `data: ${JSON.stringify(value)}\n\n`;
  const choice = (delta, finish_reason = null) => line({ choices: [{ index: 0, delta, finish_reason }] });
  return [...deltas.map((delta) => choice(delta)), choice({}, reason), line({ choices: [], usage }), "data: [DONE]\n\n"];
}

/** A reply of text in these pieces. @param {...string} texts */
export const answering = (...texts) => streaming(stream(texts.map((content) => ({ content }))));

/** A reply of tool calls. @param {...[string, object]} calls name and arguments */
export function calling(...calls) {
  const tool_calls = calls.map(([name, args], index) => ({
    index,
    id: `call_${name}_${index}`,
    type: "function",
    function: { name, arguments: JSON.stringify(args) },
  }));
  return streaming(stream([{ tool_calls }], "tool_calls"));
}

/** Sends pieces; before the one of a number, waits for that gate. @param {string[]} pieces @param {Record<number, Promise<void>>} gates */
export function streaming(pieces, gates = {}) {
  return async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    for (const [index, piece] of pieces.entries()) {
      await gates[index];
      response.write(piece);
    }
    response.end();
  };
}

/** Something that a test opens. @returns {{ opened: Promise<void>, open: () => void }} */
export function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return { opened, open };
}
