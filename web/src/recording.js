// Plays the model's part of a recording (crates/agent-core/src/recording.rs has the format) into a live session: the tools
// and the files are real.

/**
 * @typedef {object} Recording
 * @property {object} settings
 * @property {string[]} tools
 * @property {bigint} seed
 * @property {string} prompt
 * @property {Moment} began
 * @property {{ digest: string, inputs: { now: Moment, tell: (reply: import("./agent.js").Reply) => void }[] }[]} calls
 * @typedef {{ monotonicMs: bigint, wallMs: bigint }} Moment
 */

/** @param {string} text JSON lines @returns {Recording} */
export function readRecording(text) {
  const [first, ...lines] = text.split("\n").filter((line) => line !== "");
  const head = JSON.parse(first ?? "null");
  if (head?.kind !== "dewclaw-recording" || head.version !== 1) throw new Error("this is no recording of version 1");
  const { settings, tools, prompt } = head;
  const calls = [];
  for (const line of lines.map((line) => JSON.parse(line))) {
    if ("request" in line) calls.push({ digest: line.digest, inputs: [] });
    const tell = inputOf(line);
    if (tell) calls.at(-1)?.inputs.push({ now: momentOf(line), tell });
  }
  // A seed has 64 bits, which JSON.parse would round.
  const seed = BigInt(/"seed":(\d+)/.exec(first)?.[1] ?? 0);
  return { settings, tools, seed, prompt, began: momentOf(head), calls };
}

const momentOf = ({ at: [monotonicMs, wallMs] }) => ({ monotonicMs: BigInt(monotonicMs), wallMs: BigInt(wallMs) });

function inputOf(line) {
  if ("reply_start" in line) return (reply) => reply.start(line.status, Object.entries(line.headers));
  if ("reply_chunk" in line) return (reply) => reply.chunk(bytesOf(line));
  if ("reply_end" in line) return (reply) => reply.end();
  if ("reply_failed" in line) return (reply) => reply.failed(line.error);
  return undefined;
}

const bytesOf = ({ text, base64 }) =>
  text === undefined ? Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)) : new TextEncoder().encode(text);

/** Stands in for a model and for the clock, so that a run comes out as the recorded one did. */
export class RecordedModel {
  #recording;
  #next = 0;
  #now;

  /** How many requests were byte for byte as recorded. */
  same = 0;

  /** Whether a reply is being told. */
  plays = false;

  /** Waits between two pieces of a reply. @type {() => Promise<void>} */
  #pace;

  /** @param {Recording} recording @param {() => Promise<void>} pace */
  constructor(recording, pace) {
    this.#recording = recording;
    this.#now = recording.began;
    this.#pace = pace;
  }

  /** How many requests the session has made. */
  get asked() {
    return this.#next;
  }

  /** The recorded time. @returns {Moment} */
  now() {
    return this.#now;
  }

  /** Goes on to a moment, as a wait does. @param {bigint} until */
  passUntil(until) {
    const passed = until - this.#now.monotonicMs;
    if (passed > 0n) this.#now = { monotonicMs: until, wallMs: this.#now.wallMs + passed };
  }

  /** @type {import("./agent.js").Host["callModel"]} */
  callModel(_call, body, reply) {
    const call = this.#recording.calls[this.#next];
    this.#next += 1;
    if (!call) {
      reply.failed("denied");
      return undefined;
    }
    if (call.digest === digest(body)) this.same += 1;
    let dropped = false;
    const play = async () => {
      for (const { now, tell } of call.inputs) {
        if (dropped) return;
        if (now.monotonicMs >= this.#now.monotonicMs) this.#now = now;
        tell(reply);
        await this.#pace();
      }
      if (!dropped) this.plays = false;
    };
    this.plays = true;
    play();
    return () => {
      dropped = true;
      this.plays = false;
    };
  }
}

/** FNV-1a, 64 bits, as a recording names it. @param {Uint8Array} bytes */
export function digest(bytes) {
  // In four limbs of 16 bits, since a product of 64 bits is too much for a number. The prime is 2^40 + 0x1b3.
  let [a, b, c, d] = [0x2325, 0x8422, 0x9ce4, 0xcbf2];
  for (const byte of bytes) {
    a ^= byte;
    const low = a * 0x1b3;
    const second = b * 0x1b3 + Math.floor(low / 0x10000);
    const third = c * 0x1b3 + Math.floor(second / 0x10000) + ((a << 8) & 0xffff);
    const fourth = d * 0x1b3 + Math.floor(third / 0x10000) + ((b << 8) & 0xffff) + (a >>> 8);
    [a, b, c, d] = [low & 0xffff, second & 0xffff, third & 0xffff, fourth & 0xffff];
  }
  return `fnv1a64:${[d, c, b, a].map((limb) => limb.toString(16).padStart(4, "0")).join("")}`;
}
