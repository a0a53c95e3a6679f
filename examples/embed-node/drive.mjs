// The loop that drives a session: it begins what the session asks for, and tells what came of it.

import { setTimeout as sleep } from "node:timers/promises";

/** A host's clocks. `rest` sleeps until the monotonic one has come to a moment, if one is given, or the signal aborts. */
export const clocks = {
  now: () => ({ monotonicMs: BigInt(Math.floor(performance.now())), wallMs: BigInt(Date.now()) }),
  rest: (until = 2n ** 31n - 1n, signal) => sleep(Number(until) - performance.now(), null, { signal }).catch(() => {}),
};

/**
 * Does what the session says until its run is over, and returns the outcome. `host` has `clocks`, and does what no
 * session can:
 *
 *     show(event)                            shows it, or ignores it
 *     callModel(call, body, tell, signal)    sends the pieces of `body`; tells "replyStart" and so on, as they happen
 *     operate(operation, signal)             answers it
 *     runTool(call, signal)                  runs a tool of the host's own, and answers its result
 *     approve(call, signal)                  asks somebody, and answers the verdict
 *
 * The last three may answer by a promise. Their signal aborts once nobody wants the answer. `cancel` is a signal that
 * stops the run.
 */
export async function drive(session, host, cancel) {
  const begun = new Map(); // The controller of each thing that was begun, by its name.
  let inputs = []; // What has happened since. One is told whenever the session has nothing else to do.
  let nap = new AbortController();

  const happened = (name, tell) => {
    if (!begun.has(name)) return;
    inputs.push({ name, tell });
    nap.abort();
  };
  const begin = (name, start, tell) => {
    begun.set(name, new AbortController());
    const answer = start(begun.get(name).signal);
    if (!(answer instanceof Promise)) return tell(answer);
    const failed = (error) => happened(name, () => Promise.reject(error));
    answer.then((answer) => happened(name, () => tell(answer)), failed);
  };
  const drop = (name) => {
    begun.get(name)?.abort();
    begun.delete(name);
    inputs = inputs.filter((input) => input.name !== name);
  };
  const stop = () => {
    session.cancel(host.now());
    nap.abort();
  };

  cancel?.addEventListener("abort", stop);
  if (cancel?.aborted) stop();
  try {
    for (;;) {
      const { tag, val } = session.next(host.now());
      if (tag === "finished") return val;
      else if (tag === "show") host.show(val);
      else if (tag === "drop-reply") drop(`reply ${val}`);
      else if (tag === "drop-operation") drop(`operation ${val}`);
      else if (tag === "call-model") {
        const name = `reply ${val.id}`;
        const tell = (input, ...args) => happened(name, () => session[input](host.now(), val.id, ...args));
        begin(name, (signal) => host.callModel(val, bodyOf(session), tell, signal), () => {});
      } else if (tag === "operate") {
        const [id, operation] = val;
        const tell = (answer) => session.operationDone(host.now(), id, answer);
        begin(`operation ${id}`, (signal) => host.operate(operation, signal), tell);
      } else if (tag === "run-tool") {
        const tell = (result) => session.toolDone(host.now(), val.id, result);
        begin(`tool ${val.id}`, (signal) => host.runTool(val, signal), tell);
      } else if (tag === "approve") {
        const tell = (verdict) => session.approve(host.now(), val.id, verdict);
        begin(`approval ${val.id}`, (signal) => host.approve(val, signal), tell);
      } else {
        // "wait" until the moment `val`, or "pending": without one.
        nap = new AbortController();
        if (inputs.length === 0) await host.rest(val, nap.signal);
        await inputs.shift()?.tell();
      }
    }
  } finally {
    cancel?.removeEventListener("abort", stop);
    for (const name of [...begun.keys()]) drop(name);
  }
}

function* bodyOf(session) {
  for (let index = 0, piece; (piece = session.bodyPiece(index)); index++) yield piece;
}
