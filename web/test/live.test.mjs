// The page and a model server on loopback: streaming, tools, approvals, and what goes wrong on the way.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { add, atRest, onPage, say, shown, start, stop, talk } from "./page.mjs";
import { program } from "../build/tools.mjs";
import { answering, calling, gate, modelServer, stream, streaming } from "./model-server.mjs";

before(start);
after(stop);

/** Runs a test with a server of these replies. */
async function withServer(replies, use, allows) {
  const server = await modelServer(replies, allows);
  try {
    await use(server);
  } finally {
    server.close();
  }
}

test("text appears before the reply is over", () => {
  const rest = gate();
  const pieces = stream([{ content: "The first half" }, { content: ", and the second." }]);
  return withServer([streaming(pieces, { 1: rest.opened })], (server) =>
    onPage(async (page) => {
      await talk(page, server.baseUrl);
      await say(page, "Hello");
      await shown(page, "The first half").waitFor();
      rest.open();
      await shown(page, "The first half, and the second.").waitFor();
      await atRest(page);
      assert.equal(await page.locator("#usage").textContent(), "1,200 tokens in · 34 out");
      const [{ path, headers, body }] = server.requests;
      assert.equal(path, "/v1/chat/completions");
      assert.equal(headers.authorization, "Bearer sk-of-the-person");
      assert.equal(headers.referer, undefined);
      assert.equal(body.model, "some-model");
      const tools = body.tools.map((tool) => tool.function.name);
      assert.deepEqual(tools.filter((name) => name.startsWith("web_")), []);
      assert.ok(tools.includes("edit_file"));
    }),
  );
});

test("a second message has the first answer before it", () =>
  withServer([answering("Blue."), answering("I said blue.")], (server) =>
    onPage(async (page) => {
      await talk(page, server.baseUrl);
      await say(page, "Name a colour");
      await shown(page, "Blue.").waitFor();
      await atRest(page);
      await say(page, "What did you say?");
      await shown(page, "I said blue.").waitFor();
      const roles = server.requests[1].body.messages.map(({ role }) => role);
      assert.deepEqual(roles.slice(-3), ["user", "assistant", "user"]);
    }),
  ));

test("a tool changes a file of the page, and the change is marked and shown", () =>
  withServer([calling(["edit_file", { path: "list.md", old_text: "milk", new_text: "oat milk" }]), answering("Done.")], (server) =>
    onPage(async (page) => {
      await add(page, { "list.md": "bread\nmilk\neggs\n" });
      await talk(page, server.baseUrl);
      await say(page, "Make it oat milk");
      await shown(page, "Done.").waitFor();
      await page.getByRole("button", { name: "list.md changed" }).click();
      assert.equal(await page.locator(".line.removed").textContent(), "−removed: milk\n");
      assert.equal(await page.locator(".line.added").textContent(), "+added: oat milk\n");
      await page.locator(".tool summary").click();
      await shown(page, "old_text").waitFor();
    }),
  ));

test("a refused call does not run, and the model is told", () =>
  withServer([calling(["write_file", { path: "new.txt", content: "x" }]), answering("I leave it.")], (server) =>
    onPage(async (page) => {
      await talk(page, server.baseUrl, { approve: "writes" });
      await say(page, "Write a file");
      const question = page.getByRole("group", { name: "May write_file run?" });
      await question.waitFor();
      assert.equal(await page.evaluate(() => document.activeElement.className), "question");
      await question.getByRole("button", { name: "Refuse" }).click();
      await shown(page, "I leave it.").waitFor();
      const result = server.requests[1].body.messages.at(-1);
      assert.equal(result.role, "tool");
      assert.match(result.content, /permission_denied/);
      assert.equal(await page.locator(".tree .file").count(), 0);
      assert.equal(await page.locator(".tool").getAttribute("data-state"), "refused");
    }),
  ));

test("an approved call runs", () =>
  withServer([calling(["write_file", { path: "new.txt", content: "x" }]), answering("Written.")], (server) =>
    onPage(async (page) => {
      await talk(page, server.baseUrl, { approve: "all" });
      await say(page, "Write a file");
      await page.getByRole("button", { name: "Approve" }).click();
      await shown(page, "Written.").waitFor();
      await page.getByRole("button", { name: "new.txt new" }).waitFor();
    }),
  ));

test("Escape stops a reply in the middle, and lets go of the request", () => {
  const never = gate();
  const pieces = stream([{ content: "It goes on and" }, { content: " on" }]);
  return withServer([streaming(pieces, { 1: never.opened }), answering("Yes.")], (server) =>
    onPage(async (page) => {
      await talk(page, server.baseUrl);
      await say(page, "Talk");
      await shown(page, "It goes on and").waitFor();
      await page.keyboard.press("Escape");
      await shown(page, "Stopped.").waitFor();
      await server.requests[0].closed;
      await say(page, "Are you there?");
      await shown(page, "Yes.").waitFor();
      never.open();
    }),
  );
});

test("Stop takes back a question that was not answered", () =>
  withServer([calling(["write_file", { path: "new.txt", content: "x" }])], (server) =>
    onPage(async (page) => {
      await talk(page, server.baseUrl, { approve: "all" });
      await say(page, "Write a file");
      await page.getByRole("button", { name: "Approve" }).waitFor();
      await page.getByRole("button", { name: "Stop" }).click();
      await shown(page, "Stopped.").waitFor();
      assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 0);
      assert.equal(await page.evaluate(() => document.activeElement.id), "message");
    }),
  ));

test("reasoning is shown apart, and folds when the answer begins", () =>
  withServer([streaming(stream([{ reasoning_content: "Let me think." }, { content: "Four." }]))], (server) =>
    onPage(async (page) => {
      await talk(page, server.baseUrl);
      await say(page, "Two and two?");
      await shown(page, "Four.").waitFor();
      const reasoning = page.locator(".reasoning");
      assert.equal(await reasoning.getAttribute("open"), null);
      assert.match(await reasoning.textContent(), /Let me think\./);
      assert.doesNotMatch(await page.locator(".answer").textContent(), /think/);
    }),
  ));

test("what a reply that broke off had shown is struck through", () => {
  const [first] = stream([{ content: "The answer is fo" }]);
  const seen = gate();
  const broken = async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write(first);
    await seen.opened;
    response.destroy();
  };
  return withServer([broken, answering("The answer is four.")], (server) =>
    onPage(async (page) => {
      await talk(page, server.baseUrl);
      await say(page, "Two and two?");
      await shown(page, "The answer is fo").waitFor();
      seen.open();
      await shown(page, "The answer is four.").waitFor();
      assert.equal(await page.locator(".answer.discarded").textContent(), "The answer is fo");
      await shown(page, /^Discarded, what is struck through/).waitFor();
      await shown(page, /^Try 1 failed/).waitFor();
    }),
  );
});

test("a server that nobody runs: what may be wrong, and what to do", async () => {
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const { port } = closed.address();
  closed.close();
  await onPage(async (page) => {
    await talk(page, `http://127.0.0.1:${port}/v1`);
    await say(page, "Hello");
    const card = page.getByRole("alert").filter({ hasText: `No answer from 127.0.0.1:${port}` });
    await card.waitFor();
    assert.match(await card.textContent(), /A browser does not say why.*\(CORS\).*Check the base URL/s);
    await shown(page, /^Try 2 failed/).waitFor();
  });
});

test("a server that does not allow the page: CORS, in words, and no second try", () =>
  withServer(
    [],
    (server) =>
      onPage(async (page) => {
        await talk(page, server.baseUrl);
        await say(page, "Hello");
        const host = new URL(server.baseUrl).host;
        const card = page.getByRole("alert").filter({ hasText: `${host} answers, but not to this page` });
        await card.waitFor();
        const origin = await page.evaluate(() => location.origin);
        assert.ok((await card.textContent()).includes(`access-control-allow-origin: ${origin}`));
        assert.equal(await shown(page, /^Try \d failed/).count(), 0);
        assert.equal(server.requests.length, 0);
      }),
    { cors: false },
  ));

test("a redirect is not followed with the key", () =>
  withServer([(response) => response.writeHead(307, { location: "http://localhost:1/" }).end()], (server) =>
    onPage(async (page) => {
      await talk(page, server.baseUrl);
      await say(page, "Hello");
      await shown(page, /^The key is not sent on to another address/).waitFor();
    }),
  ));

test("a refused key is said, and what the server says of it is shown without the key", () => {
  const error = { error: { message: "Incorrect API key provided: sk-of-the-person", type: "invalid_request_error" } };
  const refuse = (response) => response.writeHead(401, { "content-type": "application/json" }).end(JSON.stringify(error));
  return withServer([refuse], (server) =>
    onPage(async (page) => {
      await talk(page, server.baseUrl);
      await say(page, "Hello");
      const card = page.locator(".wrong-card");
      await card.waitFor();
      assert.match(await card.textContent(), /Incorrect API key provided: …/);
      assert.doesNotMatch(await page.content(), /sk-of-the-person/);
    }),
  );
});

test("a server that never answers is given up on after the time that the session gives it", () => {
  const never = gate();
  const silent = () => never.opened;
  return withServer([silent], (server) =>
    onPage(
      async (page) => {
        await page.clock.install();
        await talk(page, server.baseUrl);
        await say(page, "Hello");
        await server.asked;
        await page.clock.fastForward(316_000);
        await shown(page, /did not begin to answer in time/).waitFor();
        await server.requests[0].closed;
        never.open();
      },
    ),
  );
});

test("Anthropic's wire sends its key header and the one for browsers", () => {
  const event = (value) => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;
  const pieces = [
    event({ type: "message_start", message: { usage: { input_tokens: 5, output_tokens: 0 } } }),
    event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
    event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello from Claude." } }),
    event({ type: "content_block_stop", index: 0 }),
    event({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 3 } }),
    event({ type: "message_stop" }),
  ];
  return withServer([streaming(pieces)], (server) =>
    onPage(async (page) => {
      await talk(page, server.baseUrl.replace("/v1", ""), { wire: "anthropic" });
      await say(page, "Hello");
      await shown(page, "Hello from Claude.").waitFor();
      const [{ path, headers }] = server.requests;
      assert.equal(path, "/v1/messages");
      assert.equal(headers["x-api-key"], "sk-of-the-person");
      assert.equal(headers["anthropic-dangerous-direct-browser-access"], "true");
      assert.equal(headers.authorization, undefined);
    }),
  );
});

test("settings that the session does not take are said beside the form", () =>
  onPage(async (page) => {
    await page.getByRole("button", { name: "Start a conversation" }).click();
    await page.getByText(/no model: name one/).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.name), "model");
  }));

test("a model server that somebody else wrote is talked to", async () => {
  const folder = mkdtempSync(`${tmpdir()}/dewclaw-aimock-`);
  const fixtures = [
    {
      match: { userMessage: "remember", turnIndex: 0 },
      response: { toolCalls: [{ id: "call_a", name: "memory_write", arguments: { content: "tea at four" } }] },
    },
    { match: { userMessage: "remember", turnIndex: 1 }, response: { content: "I wrote it down." } },
  ];
  writeFileSync(`${folder}/fixtures.json`, JSON.stringify({ fixtures }));
  writeFileSync(`${folder}/aimock.json`, JSON.stringify({ port: 0, llm: { fixtures: `${folder}/fixtures.json`, chunkSize: 4 } }));
  const server = spawn(program("aimock"), ["--config", `${folder}/aimock.json`], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    let url;
    for await (const line of createInterface(server.stdout)) {
      url = /listening on (\S+)/.exec(line)?.[1];
      if (url) break;
    }
    await onPage(async (page) => {
      await talk(page, `${url}/v1`);
      await say(page, "Please remember: tea at four");
      await page.getByRole("button", { name: "MEMORY.md new" }).waitFor();
      await shown(page, "I wrote it down.").waitFor();
    });
  } finally {
    server.kill();
    rmSync(folder, { recursive: true });
  }
});
