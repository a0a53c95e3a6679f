// The loop that drives a session: does what it says next, until its run is over.
//
// No DOM and no network here: what an effect comes to is the host's, a page's or a test's. The shapes are those that jco
// makes of wit/session.wit.

/**
 * What the loop tells of a model call. Nothing that comes after the session has let go of the call is told.
 * @typedef {object} Reply
 * @property {(status: number, headers: [string, string][]) => void} start
 * @property {(bytes: Uint8Array) => void} chunk
 * @property {() => void} end
 * @property {(httpError: string) => void} failed
 */

/**
 * What performs the effects. What is asked for is answered by the function that came with it, at once or later.
 * @typedef {object} Host
 * @property {() => { monotonicMs: bigint, wallMs: bigint }} now
 * @property {(event: object) => void} show
 * @property {(call: object, body: Uint8Array, reply: Reply) => (() => void) | void} callModel gives how to let go of it
 * @property {(operation: object, answer: (answer: object) => void) => (() => void) | void} operate the same
 * @property {(call: object, verdict: (verdict: string) => void) => void} approve
 * @property {(call: object, result: (result: { tag: "ok" | "err", val: string }) => void) => void} [runTool]
 * @property {(until: bigint | undefined, over: AbortSignal) => Promise<void> | void} idle there is nothing to do: before
 *   this moment of the monotonic clock, or before something that was asked for has happened. Ends at that moment; the
 *   signal says that it came to something sooner.
 */

/** Drives one session. */
export class Driver {
  #session;
  #host;
  /** What was told and the session does not know yet. @type {((now: object) => void)[]} */
  #inputs = [];
  /** Ends the wait for an input. */
  #wake = () => {};
  /** What is in flight, by its id: model calls and operations have ids of their own. */
  #replies = new Map();
  #operations = new Map();
  /** Calls that were asked about or are run, and have no answer. */
  #calls = new Set();

  /** @param {object} session @param {Host} host */
  constructor(session, host) {
    this.#session = session;
    this.#host = host;
  }

  /**
   * Runs until the run is over. What a call of the session throws ends it: a trap, or a misuse by the host.
   * @param {string} [prompt] begins a run; without one, the run of a restored session goes on
   * @returns {Promise<object | undefined>} the outcome; nothing where no run goes on
   */
  async run(prompt) {
    if (prompt !== undefined) this.#session.prompt(this.#host.now(), prompt);
    for (;;) {
      const { tag, val } = this.#session.next(this.#host.now());
      switch (tag) {
        case "show":
          this.#host.show(val);
          continue;
        case "call-model":
          this.#callModel(val);
          continue;
        case "drop-reply":
          letGo(this.#replies, val);
          continue;
        case "drop-operation":
          letGo(this.#operations, val);
          continue;
        case "operate":
          this.#operate(...val);
          break;
        case "run-tool":
          this.#ask(val, (answer) => this.#host.runTool(val, answer), "toolDone");
          break;
        case "approve":
          this.#ask(val, (answer) => this.#host.approve(val, answer), "approve");
          break;
        case "wait":
          await this.#input(val);
          break;
        case "pending":
          if (this.#isIdle()) return undefined;
          await this.#input();
          break;
        case "finished":
          return val;
      }
      // One at a time: each may end what the next one is about, and an effect says so.
      this.#inputs.shift()?.(this.#host.now());
    }
  }

  /** Stops the run: its outcome will be `cancelled`. */
  cancel() {
    this.#calls.clear();
    this.#inputs = [];
    this.#tell((now) => this.#session.cancel(now));
  }

  #callModel(call) {
    const { id } = call;
    const flight = { over: false, dropped: false, drop: undefined };
    this.#replies.set(id, flight);
    const tell = (last, method, ...args) => {
      if (flight.over || flight.dropped) return;
      flight.over = last;
      this.#tell((now) => {
        if (flight.dropped) return;
        if (last) this.#replies.delete(id);
        this.#session[method](now, id, ...args);
      });
    };
    flight.drop = this.#host.callModel(call, this.#body(call), {
      start: (status, headers) => tell(false, "replyStart", status, headers),
      chunk: (bytes) => tell(false, "replyChunk", bytes),
      end: () => tell(true, "replyEnd"),
      failed: (httpError) => tell(true, "replyFailed", httpError),
    });
  }

  #operate(id, operation) {
    const flight = { dropped: false, drop: undefined };
    this.#operations.set(id, flight);
    flight.drop = this.#host.operate(operation, (answer) => {
      if (this.#operations.delete(id)) {
        this.#tell((now) => flight.dropped || this.#session.operationDone(now, id, answer));
      }
    });
  }

  #ask({ id }, ask, method) {
    this.#calls.add(id);
    ask((answer) => {
      if (this.#calls.delete(id)) this.#tell((now) => this.#session[method](now, id, answer));
    });
  }

  /** The request's body, which the session has in pieces. */
  #body({ contentLength }) {
    const body = new Uint8Array(Number(contentLength));
    let length = 0;
    for (let index = 0, piece; (piece = this.#session.bodyPiece(index)); index += 1) {
      body.set(piece, length);
      length += piece.length;
    }
    return body;
  }

  /** Whether nothing was asked for that could still happen. */
  #isIdle() {
    return [this.#replies.size, this.#operations.size, this.#calls.size, this.#inputs.length].every((count) => count === 0);
  }

  #tell(input) {
    this.#inputs.push(input);
    this.#wake();
  }

  /** Waits until there is an input, or until a moment. */
  async #input(until) {
    const over = new AbortController();
    const told = new Promise((resolve) => (this.#wake = resolve));
    const idle = this.#host.idle(until, over.signal);
    if (this.#inputs.length === 0) await (until === undefined ? told : Promise.race([told, idle]));
    this.#wake = () => {};
    over.abort();
  }
}

function letGo(inFlight, id) {
  const flight = inFlight.get(id);
  if (!flight) return;
  inFlight.delete(id);
  flight.dropped = true;
  flight.drop?.();
}
