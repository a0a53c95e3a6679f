// An agent inside a Node program. The program lends it a folder, a model and a thermometer, shows its answer as it
// comes, and is asked before anything is written.

import { readFile, realpath, rename, stat, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { session as dewclaw } from "./component/dewclaw-core.js";
import { clocks, drive } from "./drive.mjs";
import { performFile } from "./files.mjs";
import { callModel, performWeb } from "./http.mjs";

/** What a session is made with: settings as in dewclaw.json, and who does what. */
const config = {
  settings: JSON.stringify({
    model: process.env.DEWCLAW_MODEL,
    base_url: process.env.OPENAI_BASE_URL,
    allow_fetch: process.env.DEWCLAW_ALLOW_FETCH?.split(","),
    approve: "writes",
  }),
  model: "host",
  files: "host",
  web: "host",
};

/** The program's own tool. A call that comes here fits the schema. */
const celsius = new Map([["cellar", 11.5], ["kitchen", 21], ["greenhouse", 27.5]]);
const thermometer = {
  name: "read_temperature",
  description: `Reads a room's thermometer. The rooms: ${[...celsius.keys()].join(", ")}.`,
  parameters: JSON.stringify({
    type: "object",
    properties: { room: { type: "string" } },
    required: ["room"],
    additionalProperties: false,
  }),
  writes: false,
  parallel: true,
};

function readTemperature(call) {
  const { room } = JSON.parse(call.arguments);
  if (!celsius.has(room)) return { tag: "err", val: `there is no thermometer in ${room}` };
  return { tag: "ok", val: JSON.stringify({ celsius: celsius.get(room) }) };
}

// The answer goes to standard output, all else to standard error; no terminal obeys what a model wrote.
const plain = (text) => text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, " ");
let lineIsOpen = false;

function say(text) {
  process.stdout.write(plain(text));
  lineIsOpen = !text.endsWith("\n");
}

function note(text, end = "\n") {
  if (lineIsOpen) say("\n");
  process.stderr.write(plain(text) + end);
}

function show({ tag, val }) {
  if (tag === "text") say(val);
  if (tag === "reply-discarded") note(`(what this reply has shown does not count: ${val})`);
  if (tag === "tool-started") note(`* ${val.name} ${val.arguments}`);
  if (tag === "tool-finished" && !val.ok) note(`  ! ${val.result}`);
  if (tag === "retry") note(`(trying again in ${val.waitMs} ms: ${val.cause})`);
  if (tag === "notice") note(`(${val})`);
}

// Questions are asked one after the other. What is typed ahead answers the next one.
let typed, lines;
let asked = Promise.resolve();

async function ask(question) {
  note(question, "");
  typed ??= createInterface({ input: process.stdin });
  lines ??= typed[Symbol.asyncIterator]();
  const { value, done } = await lines.next();
  if (done) return "unanswered";
  return /^\s*y(es)?\s*$/i.test(value) ? "approved" : "refused";
}

const hostOf = (folder) => ({
  ...clocks,
  show,
  callModel,
  operate: ({ tag, val }, signal) => (tag === "file" ? performFile(folder, val) : performWeb(val, signal)),
  runTool: readTemperature,
  approve: (call) => (asked = asked.then(() => ask(`  May ${call.name} run? [y]es, [n]o: `))),
});

async function openSession(file) {
  const saved = file && (await readFile(file).catch((error) => {
    if (error.code !== "ENOENT") throw error;
  }));
  if (saved) return dewclaw.Session.restore(config, [thermometer], saved);
  const [seed] = crypto.getRandomValues(new BigUint64Array(1));
  return dewclaw.Session.open(config, [thermometer], seed);
}

async function main({ dir, session: file, prompt }) {
  const folder = await realpath(dir);
  if (!(await stat(folder)).isDirectory()) return stop(2, `${dir} is not a folder`);
  const host = hostOf(folder);
  const session = await openSession(file);
  const canceller = new AbortController();
  process.once("SIGINT", () => canceller.abort()); // A second Ctrl-C ends the program.
  session.prompt(host.now(), prompt);
  const { reason, exitCode, usage, failure } = await drive(session, host, canceller.signal);
  typed?.close();
  if (lineIsOpen) say("\n");
  if (file) {
    await writeFile(`${file}.new`, session.save(), { mode: 0o600, flush: true });
    await rename(`${file}.new`, file);
  }
  note(`# tokens: ${usage.inputTokens} in (${usage.cachedTokens} cached), ${usage.outputTokens} out`);
  if (exitCode !== 0) stop(exitCode, failure ? failure[1] : reason);
}

function stop(code, message) {
  note(`embed-node: ${message}`);
  process.exitCode = code;
}

try {
  const options = { dir: { type: "string" }, session: { type: "string" } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.dir && positionals.length === 1) await main({ ...values, prompt: positionals[0] });
  else stop(2, 'usage: node main.mjs --dir DIR [--session FILE] "PROMPT"');
} catch (error) {
  if (error.payload) stop(2, error.payload.val ?? error.payload.tag); // An error of the session's.
  else if (error.code) stop(2, error.message); // An unknown flag, a folder that is not there.
  else throw error;
}
