// The lines that a conversation's log has for an effect.

const utf8 = new TextDecoder();

/** A text as the log writes it. */
export function text(value) {
  const escaped = value.replace(/["\\]/g, "\\$&");
  const code = (letter) => `\\u00${letter.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return `"${escaped.replace(/[\x00-\x1f\x7f]/g, code)}"`;
}

/** The lines of an effect of `session`. */
export function linesOf({ tag, val }, session) {
  switch (tag) {
    case "show":
      return [`show ${val.tag} ${shown(val)}`];
    case "call-model": {
      const { id, url, auth, contentLength, timeouts } = val;
      const { connectMs, firstByteMs, betweenBytesMs } = timeouts;
      const scheme = auth.scheme.tag === "bearer" ? "bearer" : `header:${auth.scheme.val}`;
      const head = `${tag} ${id} ${text(url)} ${auth.slot} ${scheme} ${contentLength}`;
      return [`${head} ${connectMs} ${firstByteMs} ${betweenBytesMs}`, ...message(val.headers, bodyOf(session))];
    }
    case "operate": {
      const [id, operation] = val;
      const [first, ...more] = operation.tag === "file" ? [file(operation.val)] : http(operation.val);
      return [`${tag} ${id} ${first}`, ...more];
    }
    case "run-tool":
    case "approve":
      return [`${tag} ${text(val.id)} ${text(val.name)} ${text(val.arguments)}`];
    case "drop-reply":
    case "drop-operation":
    case "wait":
      return [`${tag} ${val}`];
    case "pending":
      return [tag];
    case "finished": {
      const { reason, exitCode, usage, failure } = val;
      const why = failure ? ` failure ${failure[0]} ${text(failure[1])}` : "";
      return [`${tag} ${reason} ${exitCode} ${text(val.text)} ${tokens(usage)}${why}`];
    }
    default:
      throw new Error(`an effect without a line: ${tag}`);
  }
}

const tokens = ({ inputTokens, outputTokens, cachedTokens }) => `${inputTokens} ${outputTokens} ${cachedTokens}`;

function shown({ tag, val }) {
  switch (tag) {
    case "tool-started":
      return `${text(val.id)} ${text(val.name)} ${text(val.arguments)}`;
    case "tool-finished":
      return `${text(val.call)} ${text(val.name)} ${val.ok} ${text(val.result)}`;
    case "retry":
      return `${val.attempt} ${val.waitMs} ${text(val.cause)}`;
    case "usage":
      return tokens(val);
    default:
      return text(val);
  }
}

function file({ tag, val }) {
  switch (tag) {
    case "read":
      return `${tag} ${text(val.path)} ${val.offset} ${val.length}`;
    case "list-folder":
      return `${tag} ${text(val.path)} ${val.limit}`;
    case "stat":
      return `${tag} ${text(val)}`;
    default:
      return `${tag} ${text(val.path)} ${text(utf8.decode(val.content))}`;
  }
}

function bodyOf(session) {
  const pieces = [];
  for (let piece; (piece = session.bodyPiece(pieces.length)); ) pieces.push(piece);
  return Buffer.concat(pieces);
}

function http({ method, url, headers, body, maxBytes, totalMs }) {
  return [`http ${method} ${text(url)} ${maxBytes} ${totalMs}`, ...message(headers, body)];
}

function message(headers, body) {
  const lines = headers.map(([name, value]) => `header ${text(name)} ${text(value)}`);
  return [...lines, `body ${text(utf8.decode(body))}`];
}
