// Reads what was said out of a saved session, to show it. The bytes are restored by the component alone; what is not
// understood here is left out.

/**
 * @param {Uint8Array} bytes
 * @returns {({ kind: "prompt" | "text", text: string } | { kind: "call", id: string, name: string, arguments: string }
 *   | { kind: "result", id: string, text: string })[]}
 */
export function said(bytes) {
  try {
    const headEnd = bytes.indexOf(0x0a);
    const decoder = new TextDecoder();
    const { lines } = JSON.parse(decoder.decode(bytes.subarray(0, headEnd)));
    let from = headEnd + 1;
    return lines.flatMap((length) => {
      const message = JSON.parse(decoder.decode(bytes.subarray(from, (from += length))));
      return ofMessage(message);
    });
  } catch {
    return [];
  }
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
