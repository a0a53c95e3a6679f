// A conversation as its file tells it: a session that logs what it asks for, and a host that follows the script.

import { drive } from "../../../examples/embed-node/drive.mjs";
import { perform, workspace } from "./files.mjs";
import { linesOf, text } from "./log.mjs";

/** What a session is told, with the time first. */
const INPUTS = ["replyStart", "replyChunk", "replyEnd", "replyFailed", "operationDone", "toolDone", "approve", "cancel"];

/** Both clocks. Only the conversation moves them. */
class Clock {
  #monotonicMs = 1_000n;
  #wallMs = 1_795_132_800_000n;

  now() {
    return { monotonicMs: this.#monotonicMs, wallMs: this.#wallMs };
  }

  /** Goes on to a moment, never back. */
  reach(monotonicMs) {
    if (monotonicMs > this.#monotonicMs) this.pass(monotonicMs - this.#monotonicMs);
  }

  pass(ms) {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
  }
}

/** Holds a conversation and logs it, line by line. What was wrong with its end, if anything was. */
export async function hold({ Session }, script, log) {
  const clock = new Clock();
  const host = hostOf(script, clock);
  const config = { settings: JSON.stringify(script.settings), tools: script.tools, model: "host", files: "host", web: "host" };
  const tools = (script.host_tools ?? []).map((tool) => ({ ...tool, parameters: JSON.stringify(tool.parameters) }));
  let session, outcome, canceller;
  let effects = 0;
  const logged = {
    bodyPiece: (index) => session.bodyPiece(index),
    next() {
      const effect = session.next(clock.now());
      for (const line of linesOf(effect, session)) log(line);
      effects += 1;
      if (effects === script.cancel_at) {
        canceller.abort();
        return logged.next();
      }
      // An end without an outcome: what is in flight is let go of, and the run goes on in another session.
      return script.save_at?.includes(effects) ? { tag: "finished" } : effect;
    },
  };
  for (const input of INPUTS) {
    logged[input] = (_, ...told) => {
      clock.pass(10n);
      session[input](clock.now(), ...told);
    };
  }
  try {
    session = Session.open(config, tools, 7n);
    log("open");
    for (const prompt of script.prompts) {
      log(`prompt ${text(prompt)}`);
      session.prompt(clock.now(), prompt);
      for (outcome = undefined; !outcome; ) {
        canceller = new AbortController();
        outcome = await drive(logged, host, canceller.signal);
        if (!outcome) {
          const saved = session.save();
          session[Symbol.dispose]();
          session = Session.restore(config, tools, saved);
          log(`restored ${saved.length}`);
        }
      }
    }
  } catch (error) {
    if (!error.payload) return error.stack;
    log(`error ${error.payload.tag}`);
    return `the session answered ${error.payload.tag}: ${error.payload.val ?? ""}`;
  }
  const found = { reason: outcome.reason, text: outcome.text, exit_code: outcome.exitCode };
  const other = Object.keys(script.ends).find((member) => found[member] !== script.ends[member]);
  return other && `its ${other} is ${JSON.stringify(found[other])}, not ${JSON.stringify(script.ends[other])}`;
}

/** The host of examples/embed-node/drive.mjs, by the script. All that it is asked for, it answers at once. */
function hostOf(script, clock) {
  const files = workspace(script.files ?? {});
  const turns = {};
  const next = (list) => {
    turns[list] = (turns[list] ?? 0) + 1;
    const entry = script[list]?.[turns[list] - 1];
    if (entry === undefined) throw new Error(`the conversation has no entry ${turns[list]} in ${list}`);
    return entry;
  };
  return {
    now: () => clock.now(),
    async rest(until) {
      if (until === undefined) throw new Error("the session waits, and nothing is left to tell");
      clock.reach(until);
    },
    show() {},
    callModel(_call, _body, tell) {
      const { failed, status, headers, pieces, end = "end" } = next("replies");
      if (failed) return tell("replyFailed", failed);
      tell("replyStart", status, headers);
      for (const piece of pieces) tell("replyChunk", bytesOf(piece));
      if (end === "end") tell("replyEnd");
      else if (end !== "open") tell("replyFailed", end);
    },
    operate({ tag, val }) {
      if (tag === "file") return perform(files, val);
      const { failed, status, headers, body, whole } = next("fetches");
      return failed
        ? { tag: "http-failed", val: failed }
        : { tag: "reply", val: { status, headers, body: Buffer.from(body), whole } };
    },
    runTool() {
      const { ok, err } = next("tool_results");
      return err === undefined ? { tag: "ok", val: ok } : { tag: "err", val: err };
    },
    approve: () => next("verdicts"),
  };
}

/** A piece of a reply: a text, a text many times, or bytes that are no text. */
function bytesOf(piece) {
  if (typeof piece === "string") return Buffer.from(piece);
  const { hex, repeat, times } = piece;
  return hex === undefined ? Buffer.from(repeat.repeat(times)) : Buffer.from(hex, "hex");
}
