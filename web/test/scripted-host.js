// Holds a conversation of tests/conversations with the page's own loop and workspace: a host with a script and a clock that
// is set by hand. The README there says what the file and the log are. Runs in a browser and in Node.js.

import { Driver } from "../src/agent.js";
import { Workspace } from "../src/workspace.js";
import { lines, text } from "./conversation-log.js";

/** What every input takes. */
const INPUT_MS = 10n;

/**
 * @param {{ Session: any }} component
 * @param {any} conversation
 * @returns {Promise<{ log: string, failed?: string }>} `failed` says why the runner gave up
 */
export async function held(component, conversation) {
  const host = new ScriptedHost(component, conversation);
  try {
    await host.hold();
    return { log: host.log };
  } catch (error) {
    if (error.payload) host.log += `error ${error.payload.tag}\n`;
    return { log: host.log, failed: error.payload?.val ?? error.message };
  }
}

class ScriptedHost {
  log = "open\n";
  #component;
  #conversation;
  #config;
  #tools;
  #session;
  #workspace;
  #now = { monotonicMs: 1_000n, wallMs: 1_795_132_800_000n };
  /** What of the replies in flight was not told yet: each tells the next thing. */
  #untold = [];
  #effects = 0;

  constructor(component, conversation) {
    this.#component = component;
    this.#conversation = conversation;
    const { settings, tools, host_tools: hostTools = [], files = {} } = conversation;
    this.#config = { settings: JSON.stringify(settings), tools, model: "host", files: "host", web: "host" };
    this.#tools = hostTools.map((tool) => ({ ...tool, parameters: JSON.stringify(tool.parameters) }));
    this.#workspace = new Workspace(Object.entries(files));
  }

  async hold() {
    this.#session = this.#component.Session.open(this.#config, this.#tools, 7n);
    const driver = new Driver(this.#logged(), this);
    let outcome;
    for (const prompt of this.#conversation.prompts) {
      this.log += `prompt ${text(prompt)}\n`;
      outcome = await driver.run(prompt);
      if (!outcome) throw new Error("it waits for what was never asked for");
    }
    const { reason, exit_code: exitCode, text: answer } = this.#conversation.ends;
    if (outcome.reason !== reason || outcome.exitCode !== exitCode || (answer ?? outcome.text) !== outcome.text) {
      throw new Error(`it ended otherwise than it must: ${outcome.reason}, ${outcome.exitCode}, ${text(outcome.text)}`);
    }
  }

  /** The session as the loop sees it: each effect is logged, and where the file says so, cancelled or saved over. */
  #logged() {
    const next = (now) => {
      for (;;) {
        const effect = this.#session.next(now);
        this.log += lines(effect, this.#session);
        this.#effects += 1;
        if (this.#effects === this.#conversation.cancel_at) {
          this.#session.cancel(this.#later());
        } else if (this.#conversation.save_at?.includes(this.#effects)) {
          const saved = this.#session.save();
          this.log += `restored ${saved.length}\n`;
          this.#session = this.#component.Session.restore(this.#config, this.#tools, saved);
          this.#untold = [];
        } else {
          return effect;
        }
        now = this.now();
      }
    };
    const told = (_, method) => (method === "next" ? next : (...args) => this.#session[method](...args));
    return new Proxy({}, { get: told });
  }

  now() {
    return this.#now;
  }

  show() {}

  callModel(call, _body, reply) {
    const { failed, status, headers, pieces = [], end } = this.#next("replies");
    const untold = failed
      ? [() => reply.failed(failed)]
      : [() => reply.start(status, headers), ...pieces.map((piece) => () => reply.chunk(bytesOf(piece)))];
    if (end === "end") untold.push(() => reply.end());
    else if (end && end !== "open") untold.push(() => reply.failed(end));
    this.#untold.push(...untold);
    return () => (this.#untold = this.#untold.filter((tell) => !untold.includes(tell)));
  }

  operate({ tag, val }, answer) {
    const result = tag === "file" ? this.#workspace.perform(val) : this.#fetched();
    this.#later();
    answer(result);
  }

  runTool(_call, answer) {
    const { ok, err } = this.#next("tool_results");
    this.#later();
    answer(ok === undefined ? { tag: "err", val: err } : { tag: "ok", val: ok });
  }

  approve(_call, answer) {
    const verdict = this.#next("verdicts");
    this.#later();
    answer(verdict);
  }

  async idle(until) {
    const tell = this.#untold.shift();
    if (tell) {
      this.#later();
      tell();
    } else if (until === undefined) {
      throw new Error("it waits for something, and nothing is left to tell");
    } else {
      const passed = until > this.#now.monotonicMs ? until - this.#now.monotonicMs : 0n;
      this.#pass(passed);
    }
  }

  #fetched() {
    const { failed, body, ...reply } = this.#next("fetches");
    if (failed) return { tag: "http-failed", val: failed };
    return { tag: "reply", val: { ...reply, body: new TextEncoder().encode(body) } };
  }

  /** The next of what the file has for a kind of effect. */
  #next(list) {
    this.#taken[list] = (this.#taken[list] ?? -1) + 1;
    const found = this.#conversation[list]?.[this.#taken[list]];
    if (found === undefined) throw new Error(`it asks for more than the file's ${list}`);
    return found;
  }
  #taken = {};

  #later() {
    this.#pass(INPUT_MS);
    return this.#now;
  }

  #pass(milliseconds) {
    const { monotonicMs, wallMs } = this.#now;
    this.#now = { monotonicMs: monotonicMs + milliseconds, wallMs: wallMs + milliseconds };
  }
}

/** A piece of a reply: text, `{"hex": DIGITS}`, or `{"repeat": TEXT, "times": NUMBER}`. */
function bytesOf(piece) {
  if (piece.hex !== undefined) return Uint8Array.from(piece.hex.match(/../g) ?? [], (digits) => parseInt(digits, 16));
  return new TextEncoder().encode(typeof piece === "string" ? piece : piece.repeat.repeat(piece.times));
}
