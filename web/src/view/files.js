// The workspace as a tree, and the ways in and out of it: added, dropped and downloaded files.

import { announce, byId, element, size } from "./element.js";
import { Viewer } from "./viewer.js";

/** All that a page should hold. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The panel of the files. */
export class Files {
  /** @type {import("../workspace.js").Workspace} */
  #workspace;
  /** Contents as they were before the agent touched them. @type {Map<string, Uint8Array>} */
  #before = new Map();
  #viewer = new Viewer({ close: () => this.#open(undefined), remove: (path) => this.#remove(path) });
  #opened;
  #closedFolders = new Set();
  #frame = 0;

  constructor() {
    const panel = byId("files");
    const chooser = byId("upload-files");
    byId("upload").addEventListener("click", () => chooser.click());
    chooser.addEventListener("change", () => {
      this.#add([...chooser.files].map((file) => [file.name, file]));
      chooser.value = "";
    });
    // Anywhere: a file that is dropped beside the panel would else replace the page, and all that is in it.
    const holdsFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
    document.addEventListener("dragover", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      panel.classList.add("drop");
    });
    document.addEventListener("dragleave", ({ relatedTarget }) => relatedTarget || panel.classList.remove("drop"));
    document.addEventListener("drop", async (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      panel.classList.remove("drop");
      const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
      this.#add((await Promise.all(entries.map(filesOf))).flat());
    });
  }

  /** Shows a workspace whose files are as nobody has changed them. */
  load(workspace) {
    this.#workspace = workspace;
    this.#before = new Map(workspace.paths().map((path) => [path, workspace.get(path)]));
    workspace.onChange = () => (this.#frame ||= requestAnimationFrame(() => this.#draw()));
    this.#open(undefined);
  }

  /** Paths that are not as they came, with `new`, `changed` or `removed`. @returns {Map<string, string>} */
  changes() {
    const changes = new Map();
    for (const path of this.#workspace.paths()) {
      const before = this.#before.get(path);
      if (!before) changes.set(path, "new");
      else if (before !== this.#workspace.get(path) && !sameBytes(before, this.#workspace.get(path))) {
        changes.set(path, "changed");
      }
    }
    return changes;
  }

  #draw() {
    this.#frame = 0;
    const changes = this.changes();
    const focused = document.activeElement?.dataset?.path;
    const root = new Map();
    for (const path of this.#workspace.paths()) {
      let folder = root;
      const parts = path.split("/");
      for (const part of parts.slice(0, -1)) {
        if (!folder.has(part)) folder.set(part, new Map());
        folder = folder.get(part);
      }
      folder.set(parts.at(-1), path);
    }
    const tree = byId("tree");
    if (root.size === 0) {
      tree.replaceChildren(element("p.empty", {}, "No files. Add some, or drop files and folders here; the agent’s own appear as it writes them."));
    } else {
      tree.replaceChildren(this.#folder(root, "", changes));
    }
    const count = byId("changes");
    count.hidden = changes.size === 0;
    count.textContent = `${changes.size} changed`;
    if (focused !== undefined) tree.querySelector(`[data-path="${CSS.escape(focused)}"]`)?.focus();
    this.#viewer.show(this.#opened, this.#workspace.get(this.#opened), this.#before.get(this.#opened));
  }

  #folder(entries, path, changes) {
    const list = element("ul");
    const folderFirst = ([, a], [, b]) => (a instanceof Map ? 0 : 1) - (b instanceof Map ? 0 : 1);
    for (const [name, entry] of [...entries].sort(folderFirst)) {
      const below = path === "" ? name : `${path}/${name}`;
      list.append(element("li", {}, entry instanceof Map ? this.#subfolder(name, entry, below, changes) : this.#file(name, entry, changes)));
    }
    return list;
  }

  #subfolder(name, entry, path, changes) {
    const folder = element(
      "details",
      { open: !this.#closedFolders.has(path) },
      element("summary", { "data-path": `${path}/` }, name),
      this.#folder(entry, path, changes),
    );
    folder.addEventListener("toggle", () => this.#closedFolders[folder.open ? "delete" : "add"](path));
    return folder;
  }

  #file(name, path, changes) {
    const change = changes.get(path);
    return element(
      "button.file",
      {
        type: "button",
        "data-path": path,
        "data-change": change,
        "aria-current": path === this.#opened ? "true" : undefined,
        onclick: () => this.#open(path),
      },
      element("span.name", {}, name),
      change ? element("span.change", {}, change) : element("span.size", {}, size(this.#workspace.get(path).length)),
    );
  }

  #open(path) {
    const last = this.#opened;
    this.#opened = path;
    this.#draw();
    if (path !== undefined) this.#viewer.focus();
    else if (last !== undefined) byId("tree").querySelector(`[data-path="${CSS.escape(last)}"]`)?.focus();
  }

  #remove(path) {
    this.#before.delete(path);
    this.#workspace.remove(path);
    this.#open(undefined);
    announce(`${path} was removed`);
  }

  /** @param {[string, File][]} files */
  async #add(files) {
    let held = this.#workspace.paths().reduce((sum, path) => sum + this.#workspace.get(path).length, 0);
    const refused = [];
    for (const [path, file] of files) {
      held += file.size;
      if (held > MAX_BYTES) {
        held -= file.size;
        refused.push(`${path}: the workspace holds at most ${size(MAX_BYTES)}`);
        continue;
      }
      const read = await file.arrayBuffer().catch(() => undefined);
      if (!read) {
        refused.push(`${path}: it can’t be read`);
        continue;
      }
      const content = new Uint8Array(read);
      const obstacle = this.#workspace.put(path, content);
      if (obstacle) refused.push(`${path}: ${obstacle === "is-folder" ? "a folder has this name" : "a file is in the way of its folder"}`);
      else this.#before.set(path, content);
    }
    this.#draw();
    const added = files.length - refused.length;
    announce(`${added} ${added === 1 ? "file" : "files"} added`);
    byId("files-wrong").textContent = refused.join("; ");
  }
}

/** The files of what was dropped, folders and all, by their paths. @returns {Promise<[string, File][]>} */
async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [[entry.fullPath.replace(/^\//, ""), file]];
  }
  const reader = entry.createReader();
  const entries = [];
  for (;;) {
    // A reader gives at most a hundred at a time.
    const more = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (more.length === 0) break;
    entries.push(...more);
  }
  return (await Promise.all(entries.map(filesOf))).flat();
}

const sameBytes = (a, b) => a.length === b.length && a.every((byte, index) => byte === b[index]);
