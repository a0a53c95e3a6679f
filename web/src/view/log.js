// What was said and done, as it happens.

import { announce, byId, element } from "./element.js";
import { GrowingText } from "./text.js";
import { ToolRow } from "./tool-row.js";

/** A person who is this near the end, in pixels, is kept there. */
const NEAR_END = 60;

const ENDS = {
  budget: "The budget was reached; this was the wrap-up.",
  "step-limit": "The step limit was reached; this was the wrap-up.",
  length: "The reply was cut off: it reached the model’s limit.",
  refused: "The model refused.",
  cancelled: "Stopped.",
};

/** The column of a conversation. */
export class Log {
  #log = byId("log");
  #scroll = byId("scroll");
  /** The text that grows, and whether it is an answer or reasoning. @type {{ kind: string, grows: GrowingText, item: HTMLElement } | undefined} */
  #open;
  /** What the reply has shown so far. @type {HTMLElement[]} */
  #reply = [];
  /** @type {Map<string, ToolRow>} */
  #tools = new Map();
  #followed = true;

  constructor() {
    const followed = () => {
      const { scrollTop, scrollHeight, clientHeight } = this.#scroll;
      this.#followed = scrollHeight - scrollTop - clientHeight < NEAR_END;
    };
    this.#scroll.addEventListener("scroll", followed);
    const follow = () => this.#followed && !this.isEmpty && this.#scroll.scrollTo({ top: this.#scroll.scrollHeight });
    const observer = new ResizeObserver(follow);
    observer.observe(this.#log);
    observer.observe(this.#scroll);
  }

  get isEmpty() {
    return !this.#log.hasChildNodes();
  }

  clear() {
    this.#close();
    this.#tools.clear();
    this.#log.replaceChildren();
  }

  prompt(text) {
    this.#close();
    this.#followed = true;
    this.#add(element("div.prompt", {}, element("span.unseen", {}, "You: "), element("p", {}, text)));
  }

  /** Shows an event of the session. */
  show({ tag, val }) {
    switch (tag) {
      case "text":
      case "reasoning":
        return this.#grow(tag, val);
      case "reply-discarded":
        return this.#discard(val);
      case "tool-started":
        this.#close();
        return this.#tool(val).run();
      case "tool-finished":
        return this.#tools.get(val.call)?.finish(val);
      case "retry":
        return this.note("retry", `Try ${val.attempt} failed: ${val.cause}. Next one in ${seconds(val.waitMs)}.`);
      case "notice":
        return this.note("notice", val);
    }
    return undefined;
  }

  /** A new reply begins: what a later discarding takes back starts here. */
  replyBegins() {
    this.#close();
    this.#reply = [];
  }

  /** Asks about a call. @param {(verdict: "approved" | "refused") => void} decide */
  ask(call, decide) {
    this.#close();
    this.#tool(call).ask(decide);
    announce(`${call.name} waits for your approval`);
  }

  /** A line beside the conversation. @param {"notice" | "retry" | "end"} kind */
  note(kind, text) {
    this.#close();
    this.#add(element(`p.aside.${kind}`, {}, text));
  }

  /** Something that went wrong, and what to do. */
  wrong({ title, cause, steps = [], actions = [] }) {
    this.#close();
    const list = steps.length > 0 ? element("ul", {}, ...steps.map((step) => element("li", {}, step))) : undefined;
    const buttons = actions.map(([label, act]) => element("button", { type: "button", onclick: act }, label));
    this.#add(
      element(
        "section.wrong-card",
        { role: "alert" },
        element("h3", {}, title),
        cause ? element("p.cause", {}, cause) : undefined,
        list,
        buttons.length > 0 ? element("p.row", {}, ...buttons) : undefined,
      ),
    );
  }

  /** The run is over. */
  finished({ reason, text }) {
    this.#close();
    for (const row of this.#tools.values()) row.settle();
    if (ENDS[reason]) this.note("end", ENDS[reason]);
    announce(reason === "answered" ? `Answer: ${text}` : (ENDS[reason] ?? ""));
  }

  #tool(call) {
    let row = this.#tools.get(call.id);
    if (!row) {
      row = new ToolRow(call);
      this.#tools.set(call.id, row);
      this.#add(row.place);
    }
    return row;
  }

  #grow(kind, text) {
    if (this.#open?.kind !== kind) {
      this.#close();
      const place = element("div.text");
      const item =
        kind === "text"
          ? element("div.answer", {}, place)
          : element("details.reasoning", { open: true }, element("summary", {}, "Reasoning"), place);
      this.#open = { kind, grows: new GrowingText(place), item };
      this.#reply.push(item);
      this.#add(item);
    }
    this.#open.grows.add(text);
  }

  #close() {
    if (!this.#open) return;
    this.#open.grows.draw();
    if (this.#open.kind === "reasoning") this.#open.item.open = false;
    if (this.#open.grows.text.trim() === "") this.#open.item.remove();
    this.#open = undefined;
  }

  #discard(reason) {
    this.#close();
    for (const item of this.#reply) item.classList.add("discarded");
    this.#reply = [];
    this.note("notice", `Discarded, what is struck through: the reply broke off (${reason}) and is asked for again.`);
  }

  #add(item) {
    this.#log.append(item);
  }
}

const seconds = (milliseconds) => `${(Number(milliseconds) / 1000).toFixed(1)} s`;
