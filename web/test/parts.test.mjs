// The parts of the page that need no browser.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Driver } from "../src/agent.js";
import { changedLines } from "../src/diff.js";
import { blocks } from "../src/markdown.js";
import { explained, isMixedContent } from "../src/problem.js";
import { digest, readRecording } from "../src/recording.js";
import { said } from "../src/saved.js";
import { Workspace, byBytes } from "../src/workspace.js";

const bytes = (text) => new TextEncoder().encode(text);
const read = (path, offset = 0n, length = 100) => ({ tag: "read", val: { path, offset, length } });
const replace = (path, text) => ({ tag: "replace", val: { path, content: bytes(text) } });
const append = (path, text) => ({ tag: "append", val: { path, content: bytes(text) } });
const list = (path, limit = 100) => ({ tag: "list-folder", val: { path, limit } });
const stat = (path) => ({ tag: "stat", val: path });
const failed = (error) => ({ tag: "file-failed", val: error });

test("a file is read in parts, and past its end", () => {
  const files = new Workspace([["a/b.txt", "hello"]]);
  assert.deepEqual(files.perform(read("a/b.txt", 1n, 2)), { tag: "bytes", val: [bytes("el"), false] });
  assert.deepEqual(files.perform(read("a/b.txt", 3n, 2)), { tag: "bytes", val: [bytes("lo"), true] });
  assert.deepEqual(files.perform(read("a/b.txt", 2n ** 64n - 1n, 2)), { tag: "bytes", val: [bytes(""), true] });
});

test("what is no file can't be read, and a file is no folder", () => {
  const files = new Workspace([["a/b.txt", "hello"]]);
  const cases = [
    [read(""), "is-folder"],
    [read("a"), "is-folder"],
    [read("a/c"), "not-found"],
    [read("a/b.txt/c"), "not-folder"],
    [replace("a", "x"), "is-folder"],
    [replace("", "x"), "is-folder"],
    [append("a/b.txt/c/d", "x"), "not-folder"],
    [list("a/b.txt"), "not-folder"],
    [list("c"), "not-found"],
    [stat("c"), "not-found"],
    [stat("a/b.txt/c"), "not-folder"],
  ];
  for (const [operation, error] of cases) assert.deepEqual(files.perform(operation), failed(error), `${operation.tag} ${operation.val.path ?? operation.val}`);
  assert.deepEqual(files.paths(), ["a/b.txt"]);
});

test("files are made with their folders, replaced and added to", () => {
  const files = new Workspace();
  const told = [];
  files.onChange = (path) => told.push(path);
  for (const operation of [replace("a/b", "one"), append("a/b", "two"), append("c", "x")]) {
    assert.deepEqual(files.perform(operation), { tag: "done" });
  }
  assert.equal(new TextDecoder().decode(files.get("a/b")), "onetwo");
  assert.deepEqual(told, ["a/b", "a/b", "c"]);
  assert.deepEqual(files.perform(stat("a/b")), { tag: "stat", val: ["file", 6n] });
  assert.deepEqual(files.perform(stat("a")), { tag: "stat", val: ["folder", 0n] });
});

test("a folder lists its names by their bytes, as many as wanted, and counts all", () => {
  const files = new Workspace([["b", "1"], ["a/x", "1"], ["a/y", "1"], ["\u{1f600}", "1"], ["\uffee", "1"], ["Z", "12"]]);
  const { val: [entries, total] } = files.perform(list(""));
  assert.deepEqual(entries.map(({ name }) => name), ["Z", "a", "b", "\uffee", "\u{1f600}"]);
  assert.equal(total, 5n);
  assert.deepEqual(files.perform(list("", 1)), { tag: "listing", val: [[{ name: "Z", kind: "file", size: 2n }], 5n] });
  assert.deepEqual(new Workspace().perform(list("")), { tag: "listing", val: [[], 0n] });
  assert.ok(byBytes("a", "ab") < 0);
});

test("the digest is FNV-1a", () => {
  assert.equal(digest(bytes("")), "fnv1a64:cbf29ce484222325");
  assert.equal(digest(bytes("a")), "fnv1a64:af63dc4c8601ec8c");
  assert.equal(digest(bytes("foobar")), "fnv1a64:85944171f73967e8");
});

test("a recording gives its calls, and its seed to the last bit", () => {
  const text = readFileSync(new URL("../../examples/recordings/demo.jsonl", import.meta.url), "utf8");
  const { calls, seed, tools, prompt } = readRecording(text);
  assert.equal(calls.length, 5);
  assert.ok(text.includes(`"seed":${seed},`));
  assert.equal(tools.length, 6);
  assert.match(prompt, /^One temperature sensor/);
  assert.throws(() => readRecording('{"kind":"dewclaw-recording","version":2}'), /no recording of version 1/);
});

test("changes are told by lines, with what is around them", () => {
  const before = ["a", "b", "c", "d", "e", "f", "g", "h"].join("\n");
  const kinds = changedLines(before, before.replace("g", "G")).map(({ kind, text }) => `${kind} ${text}`);
  assert.deepEqual(kinds, ["gap 3 lines unchanged", "same d", "same e", "same f", "removed g", "added G", "same h"]);
  assert.deepEqual(changedLines("", "x\n"), [{ kind: "added", text: "x" }]);
  assert.deepEqual(changedLines("x\ny\nz\n", "y\n").map(({ kind }) => kind), ["removed", "same", "removed"]);
});

test("the little of Markdown, also while it comes", () => {
  const plain = (text) => ({ kind: "plain", text });
  assert.deepEqual(blocks("# A\ntext `c` and **b**\nmore\n\n- x"), [
    { kind: "heading", spans: [plain("A")] },
    { kind: "paragraph", spans: [plain("text "), { kind: "code", text: "c" }, plain(" and "), { kind: "strong", text: "b" }, plain("\nmore")] },
    { kind: "paragraph", spans: [plain("- x")] },
  ]);
  assert.deepEqual(blocks("```js\nlet a;\n\n**x**\n```\nafter"), [
    { kind: "fence", text: "let a;\n\n**x**" },
    { kind: "paragraph", spans: [plain("after")] },
  ]);
  assert.deepEqual(blocks("````\n```\n"), [{ kind: "fence", text: "```\n" }]);
  for (const open of ["**a", "`a", "2 ** 3 ** 4", "a * b", "``"]) {
    assert.deepEqual(blocks(open), [{ kind: "paragraph", spans: [plain(open)] }]);
  }
  assert.deepEqual(blocks("  \n\n"), []);
});

test("an https page can't call an http server, but for this machine's", () => {
  const page = { protocol: "https:", origin: "https://example.org" };
  for (const url of ["http://192.168.1.10:11434/v1", "http://example.org/v1", "http://localhost.example.org"]) {
    assert.ok(isMixedContent(url, page), url);
  }
  for (const url of ["https://192.168.1.10/v1", "http://localhost:11434/v1", "http://127.0.0.1:1/v1", "http://[::1]:1/", "nonsense"]) {
    assert.ok(!isMixedContent(url, page), url);
  }
  assert.ok(!isMixedContent("http://192.168.1.10/", { protocol: "http:" }));
});

test("each cause that a browser leaves has words, with the origin that a server must allow", () => {
  const page = { origin: "https://example.org" };
  const kinds = ["cors", "unreachable", "offline", "mixed-content", "redirect", "first-byte-timeout", "between-bytes-timeout", "closed"];
  for (const kind of kinds) assert.ok(explained(kind, "http://192.168.1.10:11434/v1", page).steps.length > 0, kind);
  const { steps } = explained("cors", "http://192.168.1.10:11434/v1", page);
  assert.ok(steps.some((step) => step.includes("OLLAMA_ORIGINS=https://example.org")));
});

test("what was said is read from saved bytes of either wire, and nothing of other bytes", () => {
  const saved = (messages) => {
    const lines = bytes(messages.map((message) => JSON.stringify(message)).join(","));
    const head = bytes(`dewclaw-session 1 0 1795132800000 7 2 1 0 10 5 0 0 6 openai9 {"a": 1}0${lines.length} `);
    return new Uint8Array([...head, ...lines]);
  };
  const openai = saved([
    { role: "user", content: "Grüße" },
    { role: "assistant", content: "", tool_calls: [{ id: "1", function: { name: "read_file", arguments: "{}" } }] },
    { role: "tool", tool_call_id: "1", content: "{}" },
    { role: "assistant", content: "Done" },
  ]);
  const anthropic = saved([
    { role: "user", content: [{ type: "text", text: "Grüße" }] },
    { role: "assistant", content: [{ type: "thinking", thinking: "…" }, { type: "tool_use", id: "1", name: "read_file", input: {} }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "1", content: "{}" }] },
    { role: "assistant", content: [{ type: "text", text: "Done" }] },
  ]);
  const expected = [
    { kind: "prompt", text: "Grüße" },
    { kind: "call", id: "1", name: "read_file", arguments: "{}" },
    { kind: "result", id: "1", text: "{}" },
    { kind: "text", text: "Done" },
  ];
  assert.deepEqual(said(openai), expected);
  assert.deepEqual(said(anthropic), expected);
  assert.deepEqual(said(bytes("nothing")), []);
});

test("what comes after the session has let go of a call is not told", async () => {
  const effects = [
    { tag: "call-model", val: { id: 1, contentLength: 0n } },
    { tag: "pending" },
    { tag: "drop-reply", val: 1 },
    { tag: "wait", val: 5n },
    { tag: "finished", val: "over" },
  ];
  const told = [];
  const session = {
    next: () => effects.shift(),
    bodyPiece: () => undefined,
    prompt: (_now, text) => told.push(text),
    replyStart: (_now, id, status) => told.push(`${id} ${status}`),
    replyChunk: () => told.push("chunk"),
    replyEnd: () => told.push("end"),
  };
  let letGo = 0;
  const host = {
    now: () => 0,
    idle: async () => {},
    callModel: (_call, _body, reply) => {
      // All at once, as a fast server does; the session drops the call after the start.
      queueMicrotask(() => {
        reply.start(200, []);
        reply.chunk(new Uint8Array(1));
        reply.end();
      });
      return () => (letGo += 1);
    },
  };
  assert.equal(await new Driver(session, host).run("hello"), "over");
  assert.deepEqual(told, ["hello", "1 200"]);
  assert.equal(letGo, 1);
});

test("a session in which no run goes on says so", async () => {
  const host = { now: () => 0, idle: () => assert.fail("there is nothing to wait for") };
  assert.equal(await new Driver({ next: () => ({ tag: "pending" }) }, host).run(), undefined);
});
