// A workspace in memory: a map from paths to bytes. Folders are where a path leads through them.

const encoder = new TextEncoder();

/** Performs an operation on the files. */
export function perform(files, { tag, val }) {
  const path = tag === "stat" ? val : val.path;
  const failed = (why) => ({ tag: "file-failed", val: why });
  for (let end = path.indexOf("/"); end > 0; end = path.indexOf("/", end + 1)) {
    if (files.has(path.slice(0, end))) return failed("not-folder");
  }
  const content = files.get(path);
  const entries = entriesOf(files, path);
  const isFolder = path === "" || entries.length > 0;
  switch (tag) {
    case "stat":
      if (content) return { tag, val: ["file", BigInt(content.length)] };
      return isFolder ? { tag, val: ["folder", 0n] } : failed("not-found");
    case "list-folder":
      if (content) return failed("not-folder");
      if (!isFolder) return failed("not-found");
      return { tag: "listing", val: [entries.slice(0, val.limit), BigInt(entries.length)] };
    case "read": {
      if (!content) return failed(isFolder ? "is-folder" : "not-found");
      const from = Math.min(Number(val.offset), content.length);
      const bytes = content.subarray(from, from + val.length);
      return { tag: "bytes", val: [bytes, from + bytes.length === content.length] };
    }
    default: {
      if (isFolder) return failed("is-folder");
      const before = tag === "append" && content ? content : new Uint8Array();
      files.set(path, Buffer.concat([before, val.content]));
      return { tag: "done" };
    }
  }
}

/** A workspace with these texts. */
export function workspace(texts) {
  return new Map(Object.entries(texts).map(([path, text]) => [path, encoder.encode(text)]));
}

function entriesOf(files, folder) {
  const start = folder === "" ? "" : `${folder}/`;
  const entries = new Map();
  for (const [path, content] of files) {
    if (!path.startsWith(start)) continue;
    const [name, ...below] = path.slice(start.length).split("/");
    const file = { name, kind: "file", size: BigInt(content.length) };
    entries.set(name, below.length > 0 ? { name, kind: "folder", size: 0n } : file);
  }
  const byBytes = (one, other) => Buffer.compare(Buffer.from(one.name), Buffer.from(other.name));
  return [...entries.values()].sort(byBytes);
}
