// A conversation of the page: a session, what answers it, and the state to go on from when its instance is lost.

import { Driver } from "./agent.js";
import { misuse } from "./component.js";
import { callModel } from "./fetch-model.js";

/** The built-in tools that act on files. Those of the web are not offered: a page can read only what servers allow it. */
export const FILE_TOOLS = ["read_file", "write_file", "edit_file", "list_directory", "memory_read", "memory_write"];

/**
 * @typedef {object} Model what a conversation asks
 * @property {() => { monotonicMs: bigint, wallMs: bigint }} now
 * @property {import("./agent.js").Host["callModel"]} callModel
 * @property {(until: bigint | undefined, over: AbortSignal) => Promise<void> | void} idle
 */

/**
 * @typedef {object} View what shows a conversation
 * @property {(event: object) => void} show
 * @property {(call: object, decide: (verdict: "approved" | "refused") => void) => void} ask
 * @property {() => void} modelCalled
 */

/** One conversation. */
export class Conversation {
  #session;
  #driver;
  #runs = false;

  /** The state to go on from in another instance, and whether a run goes on in it. @type {{ bytes: Uint8Array, runs: boolean } | undefined} */
  kept;

  /**
   * @param {object} session
   * @param {Model} model
   * @param {import("./workspace.js").Workspace} workspace
   * @param {View} view
   */
  constructor(session, model, workspace, view) {
    this.#session = session;
    this.#driver = new Driver(session, {
      now: () => model.now(),
      idle: (until, over) => model.idle(until, over),
      show: (event) => view.show(event),
      approve: (call, verdict) => view.ask(call, verdict),
      operate: ({ tag, val }, answer) => {
        answer(tag === "file" ? workspace.perform(val) : { tag: "http-failed", val: "unsupported" });
      },
      callModel: (call, body, reply) => {
        this.#keep();
        view.modelCalled();
        return model.callModel(call, body, reply);
      },
    });
  }

  /** Whether a run goes on. */
  get runs() {
    return this.#runs;
  }

  /** Begins a run, or goes on with that of a restored session. @param {string} [prompt] @returns the outcome, if any */
  async run(prompt) {
    this.#runs = true;
    try {
      const outcome = await this.#driver.run(prompt);
      this.#runs = false;
      this.#keep();
      return outcome;
    } finally {
      this.#runs = false;
    }
  }

  cancel() {
    if (this.#runs) this.#driver.cancel();
  }

  /** The session as bytes, which hold no key. @returns {Uint8Array} */
  save() {
    return this.#session.save();
  }

  #keep() {
    this.kept = { bytes: this.#session.save(), runs: this.#runs };
  }
}

/** What a server of the model's wire is asked with. @returns {Model} */
export function liveModel({ key, onProblem }) {
  return {
    now: () => ({ monotonicMs: BigInt(Math.floor(performance.now())), wallMs: BigInt(Date.now()) }),
    callModel: (call, body, reply) => callModel(call, body, reply, { key, onProblem }),
    idle(until, over) {
      if (until === undefined) return undefined;
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, Math.max(0, Number(until) - performance.now()));
        over.addEventListener("abort", () => clearTimeout(timer));
      });
    },
  };
}

/** What a recording is played with. @param {import("./recording.js").RecordedModel} recorded @returns {Model} */
export function recordedModel(recorded) {
  return {
    now: () => recorded.now(),
    callModel: (call, body, reply) => recorded.callModel(call, body, reply),
    // Time passes as the recording says: what is waited for there is over at once here, unless a reply comes first.
    idle: (until) => (recorded.plays ? new Promise(() => {}) : recorded.passUntil(until ?? 0n)),
  };
}

/** The configuration of a session in which the host does everything. @param {object} settings @param {string[]} tools */
export function configuration(settings, tools = FILE_TOOLS) {
  return { settings: JSON.stringify(settings), tools, model: "host", files: "host", web: "host" };
}

/** Sixty-four unpredictable bits. */
export const seed = () => crypto.getRandomValues(new BigUint64Array(1))[0];

/** What went wrong in a session, in words; nothing where the instance is lost. @returns {string | undefined} */
export function misuseInWords(error) {
  const found = misuse(error);
  if (!found) return undefined;
  return found.val ?? { "empty-prompt": "the message is empty", busy: "a run goes on" }[found.tag] ?? found.tag;
}
