// The page: what its buttons and keys do.

import { newInstance } from "./component.js";
import { Conversation, configuration, liveModel, misuseInWords, recordedModel, seed } from "./conversation.js";
import { RecordedModel, readRecording } from "./recording.js";
import { said } from "./saved.js";
import { shipped } from "./shipped.js";
import { announce, byId, download, element } from "./view/element.js";
import { Files } from "./view/files.js";
import { Log } from "./view/log.js";
import { SettingsForm } from "./view/settings.js";
import { Workspace } from "./workspace.js";

const log = new Log();
const files = new Files();
const form = new SettingsForm(useModel);
const message = byId("message");

/** @type {Workspace} */
let workspace = new Workspace();
/** @type {{ Session: any }} */
let component;
/** @type {Conversation | undefined} */
let conversation;
/** What the conversation is made with, to make it again: in another instance, or with other settings. */
let made;
/** What a browser makes of the last failure. */
let problem;
/** Tokens of the conversation so far. */
let used = { inputTokens: 0n, outputTokens: 0n, cachedTokens: 0n };

const view = {
  show(event) {
    if (event.tag === "usage") return count(event.val);
    if (event.tag === "retry") busy("Waiting to try again");
    else if (event.tag !== "notice") busy("");
    return log.show(event.tag === "retry" ? { ...event, val: { ...event.val, cause: keyless(event.val.cause) } } : event);
  },
  ask(call, decide) {
    busy();
    show("conversation");
    log.ask(call, (verdict) => {
      busy("Working");
      decide(verdict);
    });
  },
  modelCalled() {
    problem = undefined;
    log.replyBegins();
    busy(made.recorded ? "The recording answers" : "Waiting for the model");
  },
};

/** Begins a conversation, or goes on with one whose state was kept. */
function open(model, config, sessionSeed, saved) {
  const session = saved ? component.Session.restore(config, [], saved) : component.Session.open(config, [], sessionSeed);
  conversation = new Conversation(session, model, workspace, view);
  made = { model, config, sessionSeed, recorded: made?.recorded };
  byId("start").hidden = true;
  refresh();
}

/** Takes the form's settings: for a new conversation, or for the one that is shown. Says what is wrong. */
async function useModel(settings, key) {
  if (conversation?.runs) return "a run goes on: stop it first";
  const goesOn = conversation !== undefined;
  const had = made;
  made = undefined;
  try {
    open(modelOf(key), configuration(settings), seed(), conversation?.save());
  } catch (error) {
    made = had;
    return misuseInWords(error) ?? lost(error);
  }
  name(settings);
  byId("dialog").close();
  message.focus();
  if (goesOn) log.note("notice", `From here on: ${settings.model}.`);
  return undefined;
}

function modelOf(key) {
  secret = key;
  return liveModel({ key, onProblem: (found) => (problem = found) });
}
let secret = "";

/** A server may say the key back in its errors. */
const keyless = (text) => (secret ? text.replaceAll(secret, "…") : text);

/** Runs to the end, and shows how it ended. */
function run(prompt) {
  ended = toEnd(prompt);
  return ended;
}
/** The end of the last run, its showing included. */
let ended = Promise.resolve();

async function toEnd(prompt) {
  if (prompt !== undefined) log.prompt(prompt);
  show("conversation");
  busy("Working");
  const running = conversation.run(prompt);
  refresh();
  try {
    const outcome = await running;
    if (outcome) finished(outcome);
  } catch (error) {
    const words = misuseInWords(error);
    if (words) log.wrong({ title: "The session refused this", cause: words });
    else lost(error);
  }
  busy();
  refresh();
  if (document.activeElement === document.body || document.activeElement === byId("stop")) message.focus();
}

/** By the classes that an outcome's failure has, where no browser stood in the way. */
const FAILURES = {
  rate_limited: "The server wants no more requests for now",
  server: "The server reports an error",
  unauthorized: "The server refuses the key",
  rejected: "The server refuses the request",
  malformed: "The reply can’t be read",
};

function finished(outcome) {
  log.finished(outcome);
  if (outcome.failure) {
    const [kind, cause] = outcome.failure;
    log.wrong({
      title: problem?.title ?? FAILURES[kind] ?? "The model gave no answer",
      cause: keyless(cause),
      steps: problem?.steps,
      actions: [["Settings", () => form.openDialog()]],
    });
  }
  if (made.recorded) {
    const { same, asked } = made.recorded;
    const requests = `${same} of ${asked} requests to the model were byte for byte those of the recording`;
    log.note("end", `The recording is over. ${requests}. Its files stay: open what changed, or go on with a model of your own under Settings.`);
  }
}

/** The instance is gone, and every session in it. */
function lost(error) {
  const { kept } = conversation ?? {};
  conversation = undefined;
  busy();
  const goOn = async () => {
    component = await newInstance();
    open(made.model, made.config, made.sessionSeed, kept.bytes);
    log.note("notice", "This goes on from the state that was kept last.");
    if (kept.runs) await run();
  };
  log.wrong({
    title: "The component trapped",
    cause: `${error?.name}: ${error?.message}`,
    steps: [
      "That is a defect of the component, not of what you did. Its instance is gone; the files are not.",
      kept
        ? "The conversation was kept when the model was last asked: go on from there, or keep that state as a file first."
        : "Nothing was kept yet: begin anew.",
    ],
    actions: kept
      ? [["Go on from the kept state", goOn], ["Save it as a file", () => download(fileName(), kept.bytes)]]
      : [["Begin anew", () => location.reload()]],
  });
  return "the component trapped";
}

/** Plays the shipped recording on a workspace of its own. */
async function play() {
  const pace = Number(byId("speed").value);
  if (workspace.paths().length > 0 && !confirm("The recording brings a workspace of its own. Replace the files that are here?")) return;
  const [recording, example] = await Promise.all(["recording.jsonl", "workspace.json"].map(async (name) => (await shipped(`demo/${name}`)).text()));
  const { settings, tools, seed: recordedSeed, prompt, calls, ...rest } = readRecording(recording);
  const recorded = new RecordedModel({ settings, calls, ...rest }, () => delay(pace));
  loadWorkspace(new Workspace(Object.entries(JSON.parse(example))));
  made = { recorded };
  open(recordedModel(recorded), configuration(settings, tools), recordedSeed);
  byId("model").textContent = "The recording, with real tools";
  await run(prompt);
}

const delay = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Restores a session from a file, with the form's settings. */
async function importFile(file) {
  const saved = new Uint8Array(await file.arrayBuffer());
  const settings = form.settings();
  made = undefined;
  try {
    open(modelOf(form.key()), configuration(settings), seed(), saved);
  } catch (error) {
    const words = misuseInWords(error);
    if (!words) return lost(error);
    // Without a model it may be the settings that are wrong; the file is not.
    if (settings.model === "") form.openDialog();
    if (settings.model === "") form.wrong("Name a model, then import the session again.");
    else log.wrong({ title: `${file.name} was not imported`, cause: words });
    return undefined;
  }
  log.clear();
  count();
  name(settings);
  for (const part of said(saved)) {
    if (part.kind === "prompt") log.prompt(part.text);
    else if (part.kind === "text") log.show({ tag: "text", val: part.text });
    else if (part.kind === "call") log.show({ tag: "tool-started", val: part });
    else log.show({ tag: "tool-finished", val: { call: part.id, ok: !part.text.startsWith('{"error"'), result: part.text } });
  }
  log.note("notice", `${file.name} was imported. Its files are not part of it.`);
  return run();
}

async function startAnew() {
  conversation?.cancel();
  await ended;
  conversation = undefined;
  made = undefined;
  log.clear();
  count();
  name();
  form.toStart();
  byId("start").hidden = false;
  refresh();
  byId("scroll").scrollTo({ top: 0 });
  byId("play").querySelector("button").focus();
  announce("A new conversation");
}

function loadWorkspace(next) {
  workspace = next;
  files.load(workspace);
}

const ABOUT = byId("model").textContent;

/** What the conversation asks, in the header. */
function name(settings) {
  const url = settings?.base_url ? ` at ${URL.parse?.(settings.base_url)?.host ?? settings.base_url}` : "";
  byId("model").textContent = settings ? `${settings.model}${url}` : ABOUT;
}

/** Adds tokens to those used; none at all begins anew. */
function count(more) {
  for (const kind of Object.keys(used)) used[kind] = more ? used[kind] + more[kind] : 0n;
  const number = (tokens) => Number(tokens).toLocaleString("en");
  const cached = used.cachedTokens > 0n ? ` (${number(used.cachedTokens)} cached)` : "";
  byId("usage").hidden = !more;
  byId("usage").textContent = `${number(used.inputTokens)}${cached} tokens in · ${number(used.outputTokens)} out`;
}

/** Says what is waited for; nothing at all when nothing is. */
function busy(text) {
  byId("busy").hidden = text === undefined;
  byId("busy-text").textContent = text || "Working";
}

/** Shows one of the two panes where there is room for one only. */
function show(pane) {
  document.body.dataset.shows = pane;
  byId("show-conversation").setAttribute("aria-pressed", pane === "conversation");
  byId("show-files").setAttribute("aria-pressed", pane === "files");
}

/** Makes the controls fit the state. */
function refresh() {
  const runs = conversation?.runs ?? false;
  const talks = conversation !== undefined && !made?.recorded;
  byId("stop").hidden = !runs;
  byId("send").hidden = runs;
  byId("send").disabled = !talks;
  message.disabled = !talks;
  message.placeholder = talks
    ? "Write a message"
    : made?.recorded
      ? "Under Settings, a model of yours goes on"
      : "Name a model first, or play the recording";
  byId("new").disabled = conversation === undefined && log.isEmpty;
  byId("export").disabled = conversation === undefined;
  byId("change").disabled = runs || conversation === undefined;
  byId("import").disabled = runs;
  byId("log").setAttribute("aria-busy", String(runs));
}

const fileName = () => `dewclaw-session-${new Date().toISOString().slice(0, 16).replaceAll(":", "")}.bin`;

function listen() {
  byId("play").addEventListener("submit", (event) => {
    event.preventDefault();
    const form = byId("play");
    form.inert = true;
    play()
      .catch((error) => log.wrong({ title: "The recording was not played", cause: error.message }))
      .finally(() => (form.inert = false));
  });
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = message.value;
    if (text.trim() === "" || !conversation || conversation.runs) return;
    message.value = "";
    run(text);
  });
  message.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    byId("composer").requestSubmit();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !byId("dialog").open) conversation?.cancel();
  });
  byId("stop").addEventListener("click", () => conversation?.cancel());
  byId("new").addEventListener("click", startAnew);
  byId("export").addEventListener("click", () => {
    try {
      download(fileName(), conversation.save());
    } catch (error) {
      lost(error);
      refresh();
    }
  });
  const chooser = byId("import-file");
  byId("import").addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    const [file] = chooser.files;
    chooser.value = "";
    if (file) importFile(file);
  });
  byId("show-conversation").addEventListener("click", () => show("conversation"));
  byId("show-files").addEventListener("click", () => show("files"));
}

try {
  component = await newInstance();
  loadWorkspace(workspace);
  listen();
  refresh();
  byId("boot").remove();
  document.querySelector("main").hidden = false;
} catch (error) {
  byId("boot").replaceChildren(element("b", {}, "The component could not be loaded. "), error.message);
}
