// The file operations of a session, on a real folder. By its text, no path leads out of the folder or into `.dewclaw`: the
// session sees to that. What a file system makes of a path is seen to here, so no link is followed.

import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { lstat, mkdir, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** What the session calls the errors of the operating system. All others are `io`. */
const ERRORS = {
  ENOENT: "not-found", EACCES: "denied", EPERM: "denied", ELOOP: "denied", EROFS: "read-only", EISDIR: "is-folder",
  ENOTDIR: "not-folder", EEXIST: "exists", ENOSPC: "no-space", EDQUOT: "no-space", EFBIG: "too-large",
  EINVAL: "invalid-path", ENAMETOOLONG: "invalid-path",
};

class Refusal extends Error {}

/** Performs an operation on the files below `root`. */
export async function performFile(root, { tag, val }) {
  const perform = { read, replace, append, "list-folder": list, stat: describe }[tag];
  try {
    return await perform(await find(root, tag === "stat" ? val : val.path), val);
  } catch (error) {
    return { tag: "file-failed", val: error instanceof Refusal ? error.message : (ERRORS[error.code] ?? "io") };
  }
}

/** The place that a path leads to, and what stands there, if anything. */
async function find(root, path) {
  const state = await look(join(root, ".dewclaw"));
  let place = root;
  let stat = await look(root);
  for (const part of path ? path.split("/") : []) {
    if (stat && !stat.isDirectory()) throw new Refusal("not-folder");
    place = join(place, part);
    stat = await look(place);
    const isState = stat && state && stat.ino === state.ino && stat.dev === state.dev; // By whatever name.
    if (isState || stat?.isSymbolicLink()) throw new Refusal("denied");
  }
  return { place, stat };
}

async function look(place) {
  try {
    return await lstat(place, { bigint: true });
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}

/** Kind and size, as the session wants them. */
function told(stat) {
  if (stat.isFile()) return ["file", stat.size];
  return [stat.isDirectory() ? "folder" : stat.isSymbolicLink() ? "link" : "special", 0n];
}

/** Nothing but files is opened: a pipe could keep its reader for ever. */
function mustBeFile(stat) {
  const [kind] = told(stat);
  if (kind !== "file") throw new Refusal(kind === "folder" ? "is-folder" : "special");
}

function mustExist(stat) {
  if (!stat) throw new Refusal("not-found");
}

async function describe({ stat }) {
  mustExist(stat);
  return { tag: "stat", val: told(stat) };
}

async function list({ place, stat }, { limit }) {
  mustExist(stat);
  const names = (await readdir(place)).map((name) => Buffer.from(name)).sort(Buffer.compare).map(String);
  const entry = async (name) => {
    const stat = await look(join(place, name)).catch(() => undefined);
    const [kind, size] = stat ? told(stat) : ["special", 0n];
    return { name, kind, size };
  };
  return { tag: "listing", val: [await Promise.all(names.slice(0, limit).map(entry)), BigInt(names.length)] };
}

async function read({ place, stat }, { offset, length }) {
  mustExist(stat);
  mustBeFile(stat);
  const file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await file.stat();
    const from = Number(offset);
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - from)));
    let filled = 0;
    for (let got = 1; got > 0 && filled < bytes.length; filled += got) {
      got = (await file.read(bytes, filled, bytes.length - filled, from + filled)).bytesRead;
    }
    return { tag: "bytes", val: [bytes.subarray(0, filled), from + filled >= size] };
  } finally {
    await file.close();
  }
}

/** Written beside, synced and renamed: at any moment the old file is there, or the new one. */
async function replace({ place, stat }, { content }) {
  if (stat) mustBeFile(stat);
  await mkdir(dirname(place), { recursive: true });
  const beside = join(dirname(place), `.dewclaw-${randomBytes(8).toString("hex")}.tmp`);
  try {
    await writeFile(beside, content, { flag: "wx", flush: true, mode: stat && Number(stat.mode) });
    await rename(beside, place);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  return { tag: "done" };
}

async function append({ place, stat }, { content }) {
  if (stat) mustBeFile(stat);
  await mkdir(dirname(place), { recursive: true });
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
  const file = await open(place, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW);
  const { size } = await file.stat();
  try {
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    await file.truncate(size); // What fails must have changed nothing.
    throw error;
  } finally {
    await file.close();
  }
  return { tag: "done" };
}
