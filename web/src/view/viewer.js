// One file of the workspace: its text, or what changed in it.

import { changedLines } from "../diff.js";
import { byId, download, element, size } from "./element.js";

/** Bytes that are drawn. */
const MAX_SHOWN = 200_000;

const SIGNS = { added: "+", removed: "−", same: " ", gap: "" };
const LABELS = { added: "added: ", removed: "removed: " };

/** The viewer below the tree. */
export class Viewer {
  #place = byId("viewer");
  #path;
  /** What is shown: the changes, where there are any, or the text. */
  #mode = "changes";
  #actions;

  /** @param {{ close: () => void, remove: (path: string) => void }} actions */
  constructor(actions) {
    this.#actions = actions;
    this.#place.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      actions.close();
    });
  }

  focus() {
    this.#place.querySelector("h3")?.focus();
  }

  /** @param {string | undefined} path @param {Uint8Array | undefined} content @param {Uint8Array | undefined} before */
  show(path, content, before) {
    this.#place.hidden = content === undefined;
    if (content === undefined) return this.#place.replaceChildren();
    if (path !== this.#path) this.#mode = "changes";
    const held = this.#place.contains(document.activeElement) ? document.activeElement.dataset.role : undefined;
    this.#path = path;
    const text = textOf(content);
    const old = before === content ? text : before && textOf(before);
    const differs = text !== undefined && old !== undefined && text !== old;
    const redraw = (mode) => () => {
      this.#mode = mode;
      this.show(path, content, before);
    };
    const button = (role, label, onclick, pressed) =>
      element("button", { type: "button", "data-role": role, onclick, "aria-pressed": pressed }, label);
    this.#place.replaceChildren(
      element(
        "header",
        {},
        element("h3", { tabindex: "-1", "data-role": "title" }, path),
        element("span.size", {}, size(content.length)),
        button("close", "Close", this.#actions.close),
      ),
      element(
        "p.row",
        {},
        differs ? button("changes", "Changes", redraw("changes"), String(this.#mode === "changes")) : undefined,
        differs ? button("text", "Text", redraw("text"), String(this.#mode === "text")) : undefined,
        button("download", "Download", () => download(path.split("/").at(-1), content)),
        button("remove", "Remove", () => this.#actions.remove(path)),
      ),
      differs && this.#mode === "changes" ? changes(old, text) : whole(text, content),
    );
    if (held) this.#place.querySelector(`[data-role="${held}"]`)?.focus();
    return undefined;
  }
}

function changes(before, after) {
  const lines = changedLines(before, after).map(({ kind, text }) =>
    element(
      `span.line.${kind}`,
      {},
      element("span.sign", { "aria-hidden": "true" }, SIGNS[kind]),
      LABELS[kind] ? element("span.unseen", {}, LABELS[kind]) : undefined,
      `${text}\n`,
    ),
  );
  return element("pre.content.diff", { tabindex: "0", "aria-label": "Changes" }, ...lines);
}

function whole(text, content) {
  if (text === undefined) return element("p.empty", {}, `Not text: ${size(content.length)} of bytes. Download it to look at it.`);
  if (text === "") return element("p.empty", {}, "The file is empty.");
  const pre = element("pre.content", { tabindex: "0", "aria-label": "Text" }, text);
  if (content.length <= MAX_SHOWN) return pre;
  const note = `The first ${size(MAX_SHOWN)} of ${size(content.length)}. Download it to see the rest.`;
  return element("div.part", {}, element("p.empty", {}, note), pre);
}

/** The text of a file as far as it is drawn, or nothing where it is not UTF-8. */
function textOf(content) {
  const shown = content.subarray(0, MAX_SHOWN);
  try {
    // A cut may be within a letter; `stream` leaves that one out.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(shown, { stream: shown.length < content.length });
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
