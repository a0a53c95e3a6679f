// Reads what was said out of a saved session, to show it. The bytes are restored by the component alone; what is not
// understood here is left out.

/**
 * @param {Uint8Array} bytes
 * @returns {({ kind: "prompt" | "text", text: string } | { kind: "call", id: string, name: string, arguments: string }
 *   | { kind: "result", id: string, text: string })[]}
 */
export function said(bytes) {
  try {
    return JSON.parse(`[${new TextDecoder().decode(messages(bytes))}]`).flatMap(ofMessage);
  } catch {
    return [];
  }
}

/** The last field: the messages behind their count of bytes, with commas between them. */
function messages(bytes) {
  const digits = (end) => {
    let from = end;
    while (bytes[from - 1] >= 0x30 && bytes[from - 1] <= 0x39) from -= 1;
    return String.fromCharCode(...bytes.subarray(from, end));
  };
  const begins = (at) => bytes[at - 1] === 0x20 && digits(at - 1).endsWith(String(bytes.length - at));
  for (let at = bytes.indexOf(0x7b); at !== -1; at = bytes.indexOf(0x7b, at + 1)) {
    if (begins(at)) return bytes.subarray(at);
  }
  return new Uint8Array();
}

/** A message of chat completions or of Anthropic's messages. */
function ofMessage({ role, content, tool_calls: calls = [], tool_call_id: id }) {
  if (role === "tool") return [{ kind: "result", id, text: textOf(content) }];
  const kind = role === "user" ? "prompt" : "text";
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : (content ?? []);
  const shown = parts.flatMap((part) => {
    if (part.type === "text" && part.text) return [{ kind, text: part.text }];
    if (part.type === "tool_use") {
      return [{ kind: "call", id: part.id, name: part.name, arguments: JSON.stringify(part.input) }];
    }
    if (part.type === "tool_result") return [{ kind: "result", id: part.tool_use_id, text: textOf(part.content) }];
    return [];
  });
  const asked = calls.map((call) => ({ kind: "call", id: call.id, ...call.function }));
  return [...shown, ...asked];
}

const textOf = (content) =>
  typeof content === "string" ? content : (content ?? []).map(({ text = "" }) => text).join("");
