// A tool call: one line while it runs and after, its arguments and result below when opened, two buttons when asked about.

import { element, size } from "./element.js";

/** Characters of a value that are drawn; all of it is kept. */
const MAX_SHOWN = 20_000;

const MARKS = { asked: "?", runs: "", ok: "✓", failed: "✕", refused: "✕", stopped: "–" };
const WORDS = { asked: "asks", runs: "runs", ok: "done", failed: "failed", refused: "refused", stopped: "stopped" };

/** The row of one call. */
export class ToolRow {
  #state = "";
  #mark = element("span.mark", { "aria-hidden": "true" });
  #outcome = element("span.outcome");
  #result = element("div.result");
  #question;
  #refused = false;

  /** @param {{ id: string, name: string, arguments: string }} call */
  constructor(call) {
    this.call = call;
    const given = parsed(call.arguments);
    const summary = element(
      "summary",
      {},
      this.#mark,
      element("b", {}, call.name),
      element("span.brief", {}, brief(given, call.arguments)),
      this.#outcome,
    );
    this.place = element("details.tool", {}, summary, element("div.body", {}, values(given, call.arguments), this.#result));
  }

  run() {
    if (this.#state === "") this.#become("runs");
  }

  /** Asks whether it may run. @param {(verdict: "approved" | "refused") => void} decide */
  ask(decide) {
    this.#become("asked");
    this.place.open = true;
    const had = document.activeElement;
    const answer = (verdict) => () => {
      this.#question.remove();
      this.#refused = verdict === "refused";
      this.place.open = false;
      this.#become(this.#refused ? "refused" : "runs");
      decide(verdict);
      had?.focus?.();
    };
    this.#question = element(
      "div.question",
      { tabindex: "-1", role: "group", "aria-label": `May ${this.call.name} run?` },
      element("p", {}, "May this run?"),
      element("button.primary", { type: "button", onclick: answer("approved") }, "Approve"),
      element("button", { type: "button", onclick: answer("refused") }, "Refuse"),
    );
    this.place.querySelector(".body").append(this.#question);
    // Near the buttons, and on neither: a key that was meant for something else must not decide.
    this.#question.focus();
  }

  /** @param {{ ok: boolean, result: string }} over */
  finish({ ok, result }) {
    const value = parsed(result);
    this.#become(this.#refused ? "refused" : ok ? "ok" : "failed");
    const why = value?.error?.message;
    this.#outcome.textContent = this.#refused ? "refused" : ok ? "" : (value?.error?.kind ?? "failed").replaceAll("_", " ");
    this.#result.replaceChildren(
      element("h4", {}, ok ? "Result" : "Error"),
      why ? element("p", {}, why) : values(value, result),
    );
  }

  /** What has no result by now gets none. */
  settle() {
    this.#question?.remove();
    if (this.#state === "asked" || this.#state === "runs") this.#become("stopped");
  }

  #become(state) {
    this.#state = state;
    this.place.dataset.state = state;
    this.#mark.textContent = MARKS[state];
    this.#outcome.textContent = state === "ok" ? "" : WORDS[state];
  }
}

const parsed = (json) => {
  try {
    const value = JSON.parse(json);
    return value !== null && typeof value === "object" ? value : undefined;
  } catch {
    return undefined;
  }
};

/** What a call is about, in a line. */
function brief(given, json) {
  const main = given?.path ?? given?.query ?? given?.content;
  return typeof main === "string" ? main : json;
}

/** The members of an object, each with its name; long texts as they are. */
function values(given, json) {
  if (!given) return element("pre", { tabindex: "0" }, cut(json));
  const list = element("dl");
  for (const [name, value] of Object.entries(given)) {
    const text = typeof value === "string" ? value : JSON.stringify(value, undefined, 1);
    const shown = /\n|.{60}/.test(text) ? element("pre", { tabindex: "0" }, cut(text)) : element("code", {}, text);
    list.append(element("dt", {}, name), element("dd", {}, shown));
  }
  return list;
}

const cut = (text) =>
  text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}\n… (${size(text.length - MAX_SHOWN)} more)` : text;
