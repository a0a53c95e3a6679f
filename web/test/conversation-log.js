// The lines of a conversation's log, as tests/conversations/README.md has them.

/** A text as it stands in a log. @param {string} value */
export function text(value) {
  const escaped = value.replace(/["\\]/g, "\\$&");
  return `"${escaped.replace(/[\0-\x1f\x7f]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`;
}

/** The lines of an effect. @param {any} effect @param {any} session has the body of a model call */
export function lines({ tag, val }, session) {
  switch (tag) {
    case "show":
      return `show ${shown(val)}\n`;
    case "call-model": {
      const { tag: scheme, val: header } = val.auth.scheme;
      const { connectMs, firstByteMs, betweenBytesMs } = val.timeouts;
      const auth = `${val.auth.slot} ${scheme === "bearer" ? "bearer" : `header:${header}`}`;
      const head = `call-model ${val.id} ${text(val.url)} ${auth} ${val.contentLength}`;
      return `${head} ${connectMs} ${firstByteMs} ${betweenBytesMs}\n${message(val.headers, bodyOf(session))}`;
    }
    case "operate":
      return `operate ${val[0]} ${operated(val[1])}`;
    case "drop-reply":
    case "drop-operation":
    case "wait":
      return `${tag} ${val}\n`;
    case "run-tool":
    case "approve":
      return `${tag} ${called(val)}\n`;
    case "pending":
      return "pending\n";
    case "finished": {
      const failure = val.failure ? ` failure ${val.failure[0]} ${text(val.failure[1])}` : "";
      return `finished ${val.reason} ${val.exitCode} ${text(val.text)} ${used(val.usage)}${failure}\n`;
    }
  }
  throw new Error(`no such effect: ${tag}`);
}

function shown({ tag, val }) {
  switch (tag) {
    case "tool-started":
      return `${tag} ${called(val)}`;
    case "tool-finished":
      return `${tag} ${text(val.call)} ${text(val.name)} ${val.ok} ${text(val.result)}`;
    case "retry":
      return `${tag} ${val.attempt} ${val.waitMs} ${text(val.cause)}`;
    case "usage":
      return `${tag} ${used(val)}`;
    default:
      return `${tag} ${text(val)}`;
  }
}

function operated({ tag, val }) {
  if (tag === "http") {
    const head = `http ${val.method} ${text(val.url)} ${val.maxBytes} ${val.totalMs}\n`;
    return head + message(val.headers, val.body);
  }
  const { tag: kind, val: file } = val;
  switch (kind) {
    case "read":
      return `read ${text(file.path)} ${file.offset} ${file.length}\n`;
    case "list-folder":
      return `list-folder ${text(file.path)} ${file.limit}\n`;
    case "stat":
      return `stat ${text(file)}\n`;
    default:
      return `${kind} ${text(file.path)} ${text(decoded(file.content))}\n`;
  }
}

/** Headers and a body. */
function message(headers, body) {
  const named = headers.map(([name, value]) => `header ${text(name)} ${text(value)}\n`);
  return `${named.join("")}body ${text(decoded(body))}\n`;
}

function bodyOf(session) {
  let body = new Uint8Array();
  for (let index = 0, piece; (piece = session.bodyPiece(index)); index += 1) {
    const longer = new Uint8Array(body.length + piece.length);
    longer.set(body);
    longer.set(piece, body.length);
    body = longer;
  }
  return body;
}

const called = ({ id, name, arguments: json }) => `${text(id)} ${text(name)} ${text(json)}`;
const used = ({ inputTokens, outputTokens, cachedTokens }) => `${inputTokens} ${outputTokens} ${cachedTokens}`;
// What a session sends and writes is text: anything else is an error here. A mark at its start is part of it.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const decoded = (bytes) => decoder.decode(bytes);
