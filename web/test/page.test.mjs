// The page by itself: the recording, its files, saving and importing, a trap, a reload.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { add, atRest, downloaded, onPage, played, say, shown, start, stop, talk } from "./page.mjs";
import { answering, calling, modelServer } from "./model-server.mjs";

before(start);
after(stop);

const example = (path) => readFileSync(new URL(`../../examples/workspace/${path}`, import.meta.url), "utf8");

test("the recording plays to its end, and the workspace has what it did", () =>
  onPage(async (page) => {
    const elsewhere = [];
    page.on("request", (request) => new URL(request.url()).origin === new URL(page.url()).origin || elsewhere.push(request.url()));
    await played(page);
    // What a component in another engine was asked to send is what this one sends.
    await shown(page, /5 of 5 requests to the model were byte for byte those of the recording/).waitFor();
    assert.deepEqual(await page.locator(".tree .file").evaluateAll((files) => files.map((file) => `${file.dataset.path} ${file.dataset.change ?? ""}`)), [
      "memory/MEMORY.md new",
      "notes/todo.md changed",
      "readings/2026-11-19.csv ",
      "reports/2026-11-19.md new",
      "README.md ",
      "sensors.toml changed",
    ]);
    await page.getByRole("button", { name: "sensors.toml" }).click();
    assert.deepEqual(await page.locator(".line.added").allTextContents(), ["+added: offset = -3.0\n"]);
    const { name, content } = await downloaded(page, () => page.getByRole("button", { name: "Download" }).click());
    assert.equal(name, "sensors.toml");
    assert.equal(content.toString(), example("sensors.toml").replace('door"\noffset = 0.0', 'door"\noffset = -3.0'));
    assert.equal(await page.locator(".tool[data-state=failed] .outcome").textContent(), "invalid arguments");
    assert.deepEqual(elsewhere, []);
  }));

test("at a speed, the recording's text comes piece by piece", () =>
  onPage(async (page) => {
    await page.clock.install();
    await page.getByLabel("Speed").selectOption("slow");
    await page.getByRole("button", { name: "Play" }).click();
    await shown(page, /^One temperature sensor/).waitFor();
    const length = () => page.locator(".answer, .tool").count();
    assert.equal(await length(), 0);
    // The pace is a timer for each piece: with time, and only with it, there is more.
    for (let tick = 0; (await length()) < 2; tick += 1) {
      assert.ok(tick < 100, "nothing more comes");
      await page.clock.runFor(90);
    }
    await page.getByRole("button", { name: "Stop" }).click();
  }));

test("a model of one's own goes on after the recording", async () => {
  const server = await modelServer([answering("It was sensor c.")]);
  try {
    await onPage(async (page) => {
      await played(page);
      await page.getByRole("button", { name: "Settings" }).click();
      await page.getByLabel("Base URL").fill(server.baseUrl);
      await page.getByLabel("Model", { exact: true }).fill("another-model");
      await page.getByRole("button", { name: "Go on with these" }).click();
      await say(page, "Which one was it?");
      await shown(page, "It was sensor c.").waitFor();
      const messages = server.requests[0].body.messages;
      assert.ok(messages.some(({ content }) => content?.includes?.("One temperature sensor disagrees")));
    });
  } finally {
    server.close();
  }
});

test("a reload forgets everything, and nothing is stored", async () => {
  const server = await modelServer([answering("Hello.")]);
  try {
    await onPage(async (page) => {
      await talk(page, server.baseUrl, { key: "sk-secret" });
      await say(page, "Hello");
      await shown(page, "Hello.").waitFor();
      await page.reload();
      await page.locator("main").waitFor();
      assert.equal(await page.getByLabel("Key", { exact: true }).inputValue(), "");
      assert.equal(await page.getByLabel("Base URL").inputValue(), "");
      assert.equal(await page.locator("#log > *").count(), 0);
      const kept = await page.evaluate(async () => ({
        local: localStorage.length,
        session: sessionStorage.length,
        databases: (await indexedDB.databases()).length,
        caches: (await caches.keys()).length,
        cookies: document.cookie,
        workers: (await navigator.serviceWorker.getRegistrations()).length,
        state: history.state,
        search: location.search + location.hash,
      }));
      assert.deepEqual(kept, { local: 0, session: 0, databases: 0, caches: 0, cookies: "", workers: 0, state: null, search: "" });
    });
  } finally {
    server.close();
  }
});

test("a session is exported without the key, imported in another page, and goes on", async () => {
  const server = await modelServer([
    calling(["list_directory", { path: "." }]),
    answering("The word is **heron**."),
    answering("Heron, as I said."),
  ]);
  try {
    let saved;
    await onPage(async (page) => {
      await talk(page, server.baseUrl);
      await say(page, "Think of a word");
      await shown(page, "heron").waitFor();
      await atRest(page);
      saved = await downloaded(page, () => page.getByRole("button", { name: "Export" }).click());
      assert.doesNotMatch(saved.content.toString(), /sk-of-the-person/);
    });
    await onPage(async (page) => {
      await page.getByLabel("Base URL").fill(server.baseUrl);
      await page.getByLabel("Model", { exact: true }).fill("some-model");
      const file = { name: saved.name, mimeType: "", buffer: saved.content };
      await page.locator("#import-file").setInputFiles(file);
      await shown(page, "Think of a word").waitFor();
      await shown(page, "heron").waitFor();
      assert.equal(await page.locator(".tool[data-state=ok]").count(), 1);
      await say(page, "Which word?");
      await shown(page, "Heron, as I said.").waitFor();
      await atRest(page);
      await page.locator("#import-file").setInputFiles({ ...file, buffer: saved.content.subarray(0, 40) });
      await page.getByRole("heading", { name: `${saved.name} was not imported` }).waitFor();
    });
  } finally {
    server.close();
  }
});

test("a session without a model to go on with asks for one", () =>
  onPage(async (page) => {
    const file = { name: "session.bin", mimeType: "", buffer: Buffer.from("nothing") };
    await page.locator("#import-file").setInputFiles(file);
    await page.getByText("Name a model, then import the session again.").waitFor();
  }));

test("after a trap, the conversation goes on from the kept state in a new instance", async () => {
  const server = await modelServer([answering("First answer."), answering("Second answer.")]);
  try {
    // The component has no trap to provoke. So one is put where a host sees it: at the boundary.
    const trapping = (page) =>
      page.addInitScript(() => {
        const instantiate = WebAssembly.instantiate;
        WebAssembly.instantiate = async (module, imports) => {
          const instance = await instantiate(module, imports);
          const trapping = (call) => (...args) => {
            if (window.trap) throw new WebAssembly.RuntimeError("unreachable");
            return call(...args);
          };
          const wrapped = ([name, value]) => [name, typeof value === "function" ? trapping(value) : value];
          return { exports: Object.fromEntries(Object.entries(instance.exports).map(wrapped)) };
        };
      });
    await onPage(
      async (page) => {
        await add(page, { "kept.txt": "still here" });
        await talk(page, server.baseUrl);
        await say(page, "One");
        await shown(page, "First answer.").waitFor();
        await atRest(page);
        await page.evaluate(() => (window.trap = true));
        await say(page, "Two");
        await page.getByRole("heading", { name: "The component trapped" }).waitFor();
        await page.evaluate(() => (window.trap = false));
        const kept = await downloaded(page, () => page.getByRole("button", { name: "Save it as a file" }).click());
        assert.match(kept.content.toString(), /First answer\./);
        await page.getByRole("button", { name: "Go on from the kept state" }).click();
        await say(page, "Two again");
        await shown(page, "Second answer.").waitFor();
        const roles = server.requests[1].body.messages.map(({ role }) => role);
        assert.deepEqual(roles.slice(-3), ["user", "assistant", "user"]);
        await page.getByRole("button", { name: "kept.txt" }).waitFor();
      },
      {},
      trapping,
    );
  } finally {
    server.close();
  }
});

test("files: text, bytes, long ones, and one in a folder's way", () =>
  onPage(async (page) => {
    const long = "0123456789abcde\n".repeat(20_000);
    await add(page, { "text.md": "# Grüße\n", "bytes.bin": Buffer.from([0, 1, 2, 255]), "long.txt": long, "empty.txt": "" });
    await page.getByRole("button", { name: "text.md" }).click();
    assert.equal(await page.locator("#viewer .content").textContent(), "# Grüße\n");
    await page.getByRole("button", { name: "bytes.bin" }).click();
    await page.getByText("Not text: 4 B of bytes.").waitFor();
    const bytes = await downloaded(page, () => page.getByRole("button", { name: "Download" }).click());
    assert.deepEqual([...bytes.content], [0, 1, 2, 255]);
    await page.getByRole("button", { name: "long.txt" }).click();
    await page.getByText("The first 200.0 KB of 320.0 KB.").waitFor();
    assert.equal((await page.locator("#viewer .content").textContent()).length, 200_000);
    await page.getByRole("button", { name: "empty.txt" }).click();
    await page.getByText("The file is empty.").waitFor();
    await page.getByRole("button", { name: "Remove" }).click();
    await page.getByRole("button", { name: "empty.txt" }).waitFor({ state: "detached" });
    // A folder that is dropped, wherever that is.
    await page.evaluate(() => {
      const file = (name, text) => ({ isFile: true, fullPath: name, file: (take) => take(new File([text], name)) });
      let read = [file("/notes/a.md", "a"), file("/text.md/b.md", "b")];
      const folder = { isFile: false, createReader: () => ({ readEntries: (take) => take(read.splice(0)) }) };
      const event = new Event("drop", { bubbles: true, cancelable: true });
      event.dataTransfer = { types: ["Files"], items: [{ webkitGetAsEntry: () => folder }] };
      document.getElementById("log").dispatchEvent(event);
    });
    await page.getByRole("button", { name: "a.md" }).waitFor();
    await page.getByRole("alert").filter({ hasText: "text.md/b.md: a file is in the way of its folder" }).waitFor();
  }));

test("a new conversation ends a run that goes on", () =>
  onPage(async (page) => {
    await page.getByLabel("Speed").selectOption("slow");
    await page.getByRole("button", { name: "Play" }).click();
    await page.locator(".answer").waitFor();
    await page.getByRole("button", { name: "New", exact: true }).click();
    await page.getByRole("heading", { name: "Ask a model" }).waitFor();
    assert.equal(await page.locator("#log > *").count(), 0);
    await page.getByLabel("Message", { exact: true }).and(page.locator(":disabled")).waitFor();
    assert.equal(await page.locator("#busy").isVisible(), false);
  }));

test("a new conversation begins with nothing said, and keeps the files", () =>
  onPage(async (page) => {
    await played(page);
    await page.getByRole("button", { name: "New", exact: true }).click();
    await page.getByRole("heading", { name: "Ask a model" }).waitFor();
    assert.equal(await page.locator("#log > *").count(), 0);
    assert.equal(await page.locator(".tree .file").count(), 6);
    page.once("dialog", (dialog) => dialog.accept());
    await played(page);
  }));
