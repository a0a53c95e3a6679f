// What changed between two texts, by lines.

/** Beyond this, what lies between the common start and end is shown as replaced. */
const MAX_CELLS = 1_000_000;

/** Unchanged lines shown around a change. */
const CONTEXT = 3;

/**
 * @param {string} before
 * @param {string} after
 * @returns {{ kind: "same" | "added" | "removed" | "gap", text: string }[]} `gap` stands for lines that are the same
 */
export function changedLines(before, after) {
  const [old, now] = [linesOf(before), linesOf(after)];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  const middle = between(old.slice(start, old.length - end), now.slice(start, now.length - end));
  const same = (text) => ({ kind: "same", text });
  return folded([...now.slice(0, start).map(same), ...middle, ...now.slice(now.length - end).map(same)]);
}

const linesOf = (text) => {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
};

/** By the longest common subsequence. */
function between(old, now) {
  const added = (text) => ({ kind: "added", text });
  const removed = (text) => ({ kind: "removed", text });
  if (old.length * now.length > MAX_CELLS) return [...old.map(removed), ...now.map(added)];
  const width = now.length + 1;
  const common = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      const at = i * width + j;
      common[at] = old[i] === now[j] ? common[at + width + 1] + 1 : Math.max(common[at + width], common[at + 1]);
    }
  }
  const lines = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    const at = i * width + j;
    if (i < old.length && j < now.length && old[i] === now[j]) {
      lines.push({ kind: "same", text: old[i] });
      [i, j] = [i + 1, j + 1];
    } else if (j === now.length || (i < old.length && common[at + width] >= common[at + 1])) {
      lines.push(removed(old[i]));
      i += 1;
    } else {
      lines.push(added(now[j]));
      j += 1;
    }
  }
  return lines;
}

/** Long runs of unchanged lines become one gap. */
function folded(lines) {
  const near = (index) =>
    lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ kind }) => kind !== "same");
  const result = [];
  let hidden = 0;
  const close = () => {
    if (hidden > 0) result.push({ kind: "gap", text: `${hidden} ${hidden === 1 ? "line" : "lines"} unchanged` });
    hidden = 0;
  };
  lines.forEach((line, index) => {
    if (near(index)) {
      close();
      result.push(line);
    } else {
      hidden += 1;
    }
  });
  close();
  return result;
}
