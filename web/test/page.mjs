// The page as its tests use it: served from dist/web, in a fresh context of one browser.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launch } from "./browser.mjs";
import { serve } from "./static-server.mjs";

const built = fileURLToPath(new URL("../../dist/web", import.meta.url));
/** What Chromium itself says of a request that failed, which no page can keep from the console. */
const REQUEST_FAILED = /^Failed to load resource|blocked by CORS policy/;

let browser;
let site;

/** Before all tests. */
export async function start() {
  assert.ok(existsSync(`${built}/index.html`), "dist/web is missing: run scripts/build-web");
  [browser, site] = await Promise.all([launch(), serve({ "": built })]);
}

/** After all tests. */
export async function stop() {
  await browser?.close();
  site?.close();
}

/**
 * Opens the page, hands it to a test, and holds it to an empty console.
 * @param {(page: import("playwright-core").Page) => Promise<void>} test
 * @param {import("playwright-core").BrowserContextOptions} [options]
 * @param {(page: import("playwright-core").Page) => Promise<void>} [before] the page is loaded
 */
export async function onPage(test, options = {}, before = async () => {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const complaints = [];
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (line) => {
      if (["error", "warning"].includes(line.type()) && !REQUEST_FAILED.test(line.text())) complaints.push(line.text());
    });
    await before(page);
    await page.goto(site.url);
    await page.locator("main").waitFor();
    await test(page);
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
}

/** Starts a conversation with a model. */
export async function talk(page, baseUrl, { key = "sk-of-the-person", approve = "never", wire = "openai" } = {}) {
  await page.getByLabel("Base URL").fill(baseUrl);
  await page.getByLabel("Model", { exact: true }).fill("some-model");
  await page.getByLabel("Key", { exact: true }).fill(key);
  await page.getByLabel("Ask me before").selectOption(approve);
  if (wire === "anthropic") await page.getByLabel("Anthropic", { exact: true }).check();
  await page.getByRole("button", { name: "Start a conversation" }).click();
}

/** Sends a message. */
export async function say(page, text) {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}

/** A text of the conversation; whole, where it is no pattern. @param {string | RegExp} text */
export const shown = (page, text) => page.locator("#log").getByText(text, { exact: true });

/** Waits until no run goes on. */
export const atRest = (page) => page.locator("#log[aria-busy=false]").waitFor();

/** Plays the recording to its end. */
export async function played(page, speed = "0") {
  await page.getByLabel("Speed").selectOption(speed);
  await page.getByRole("button", { name: "Play" }).click();
  await shown(page, /^The recording is over\./).waitFor();
}

/** Adds files to the workspace. @param {Record<string, string | Buffer>} files */
export async function add(page, files) {
  const given = Object.entries(files).map(([name, content]) => ({ name, mimeType: "", buffer: Buffer.from(content) }));
  await page.locator("#upload-files").setInputFiles(given);
  await page.locator(`.tree [data-path="${given.at(-1).name}"]`).waitFor({ state: "attached" });
}

/** The bytes of what a click downloads. */
export async function downloaded(page, click) {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  const chunks = await (await download.createReadStream()).toArray();
  return { name: download.suggestedFilename(), content: Buffer.concat(chunks) };
}
