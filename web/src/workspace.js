// A workspace in memory: answers a session's file operations from a map of paths to bytes.
//
// No imports and no DOM: a page, Node.js and a test use it alike. The shapes of operations and answers are those that jco
// makes of `file-operation` and `answer` in wit/session.wit.

/**
 * @typedef {"not-found" | "is-folder" | "not-folder"} FileError
 * @typedef {{ name: string, kind: "file" | "folder", size: bigint }} Entry
 * @typedef {{ tag: "bytes", val: [Uint8Array, boolean] } | { tag: "listing", val: [Entry[], bigint] }
 *   | { tag: "stat", val: ["file" | "folder", bigint] } | { tag: "done" } | { tag: "file-failed", val: FileError }} FileAnswer
 * @typedef {{ tag: "read", val: { path: string, offset: bigint, length: number } }
 *   | { tag: "replace" | "append", val: { path: string, content: Uint8Array } }
 *   | { tag: "list-folder", val: { path: string, limit: number } } | { tag: "stat", val: string }} FileOperation
 */

const encoder = new TextEncoder();

/** Files by their paths. Folders are what the paths imply: there is no empty one but the workspace itself. */
export class Workspace {
  /** @type {Map<string, Uint8Array>} */
  #files = new Map();

  /** Called with the path of each file that is written, added or removed. @type {(path: string) => void} */
  onChange = () => {};

  /** @param {Iterable<[string, Uint8Array | string]>} files */
  constructor(files = []) {
    for (const [path, content] of files) {
      this.#files.set(path, typeof content === "string" ? encoder.encode(content) : content);
    }
  }

  /** The paths of all files, in the order of their UTF-8 bytes. @returns {string[]} */
  paths() {
    return [...this.#files.keys()].sort(byBytes);
  }

  /** A file's content. Nobody may change it. @param {string} path @returns {Uint8Array | undefined} */
  get(path) {
    return this.#files.get(path);
  }

  /**
   * Writes a file whole.
   * @param {string} path
   * @param {Uint8Array} content
   * @returns {FileError | undefined} why it can't stand there
   */
  put(path, content) {
    const obstacle = this.#isFolder(path) ? "is-folder" : this.#parentError(path);
    if (!obstacle) {
      this.#files.set(path, content);
      this.onChange(path);
    }
    return obstacle;
  }

  /** @param {string} path */
  remove(path) {
    if (this.#files.delete(path)) this.onChange(path);
  }

  /** Performs an operation of a session. @param {FileOperation} operation @returns {FileAnswer} */
  perform({ tag, val }) {
    switch (tag) {
      case "read":
        return this.#read(val);
      case "replace":
        return done(this.put(val.path, val.content));
      case "append":
        return done(this.put(val.path, joined(this.#files.get(val.path), val.content)));
      case "list-folder":
        return this.#list(val);
      case "stat": {
        const content = this.#files.get(val);
        if (content) return { tag: "stat", val: ["file", BigInt(content.length)] };
        return this.#isFolder(val) ? { tag: "stat", val: ["folder", 0n] } : failed(this.#missing(val));
      }
    }
  }

  #read({ path, offset, length }) {
    const content = this.#files.get(path);
    if (!content) return failed(this.#isFolder(path) ? "is-folder" : this.#missing(path));
    const from = offset < BigInt(content.length) ? Number(offset) : content.length;
    const to = Math.min(content.length, from + length);
    return { tag: "bytes", val: [content.slice(from, to), to === content.length] };
  }

  #list({ path, limit }) {
    if (this.#files.has(path)) return failed("not-folder");
    if (!this.#isFolder(path)) return failed(this.#missing(path));
    const below = path === "" ? "" : `${path}/`;
    /** @type {Map<string, Entry>} */
    const entries = new Map();
    for (const [file, content] of this.#files) {
      if (!file.startsWith(below)) continue;
      const [name, ...deeper] = file.slice(below.length).split("/");
      const isFolder = deeper.length > 0;
      entries.set(name, { name, kind: isFolder ? "folder" : "file", size: isFolder ? 0n : BigInt(content.length) });
    }
    const sorted = [...entries.values()].sort((a, b) => byBytes(a.name, b.name));
    return { tag: "listing", val: [sorted.slice(0, limit), BigInt(sorted.length)] };
  }

  #isFolder(path) {
    return path === "" || [...this.#files.keys()].some((file) => file.startsWith(`${path}/`));
  }

  /** Why nothing is at a path: a parent of it is a file, or nothing is there. */
  #missing(path) {
    return this.#parentError(path) ?? "not-found";
  }

  /** @returns {FileError | undefined} */
  #parentError(path) {
    for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1)) {
      if (this.#files.has(path.slice(0, end))) return "not-folder";
    }
    return undefined;
  }
}

/**
 * Orders names as their UTF-8 bytes do. Surrogates apart, UTF-16 has the same order.
 * @param {string} a
 * @param {string} b
 */
export function byBytes(a, b) {
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    if (left[index] !== right[index]) return left[index] - right[index];
  }
  return left.length - right.length;
}

/** @param {FileError | undefined} error @returns {FileAnswer} */
const done = (error) => (error ? failed(error) : { tag: "done" });
/** @param {FileError} error @returns {FileAnswer} */
const failed = (error) => ({ tag: "file-failed", val: error });

function joined(start, more) {
  if (!start) return more;
  const whole = new Uint8Array(start.length + more.length);
  whole.set(start);
  whole.set(more, start.length);
  return whole;
}
