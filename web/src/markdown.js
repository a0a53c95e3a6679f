// The little of Markdown that a model's text is shown with: fences, headings, `code` and **strong**. Everything else stays
// as it was written. It gives a tree of plain values, never markup.

/**
 * @typedef {{ kind: "code", text: string } | { kind: "strong", text: string } | { kind: "plain", text: string }} Span
 * @typedef {{ kind: "fence", text: string } | { kind: "heading" | "paragraph", spans: Span[] }} Block
 */

/** @param {string} text as far as it has come @returns {Block[]} */
export function blocks(text) {
  const result = [];
  let fence; // The marks that opened one, and its lines.
  let paragraph = [];
  const flush = () => {
    const lines = paragraph.join("\n").replace(/^\n+|\s+$/g, "");
    if (lines) result.push({ kind: "paragraph", spans: spans(lines) });
    paragraph = [];
  };
  for (const line of text.split("\n")) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence) {
      if (mark && mark[0] === fence.mark[0] && mark.length >= fence.mark.length && line.trim() === mark) {
        result.push({ kind: "fence", text: fence.lines.join("\n") });
        fence = undefined;
      } else {
        fence.lines.push(line);
      }
    } else if (mark) {
      flush();
      fence = { mark, lines: [] };
    } else if (/^#{1,6} /.test(line)) {
      flush();
      result.push({ kind: "heading", spans: spans(line.replace(/^#+ +/, "")) });
    } else if (line.trim() === "") {
      flush();
    } else {
      paragraph.push(line);
    }
  }
  flush();
  if (fence) result.push({ kind: "fence", text: fence.lines.join("\n") });
  return result;
}

function spans(text) {
  const result = [];
  let from = 0;
  for (const match of text.matchAll(/(`+)(?!`)([^\n]*?[^`\n])\1(?!`)|\*\*(?!\s)([^*\n]+?)(?<!\s)\*\*/g)) {
    if (match.index > from) result.push({ kind: "plain", text: text.slice(from, match.index) });
    result.push(match[1] ? { kind: "code", text: match[2] } : { kind: "strong", text: match[3] });
    from = match.index + match[0].length;
  }
  if (from < text.length) result.push({ kind: "plain", text: text.slice(from) });
  return result;
}
