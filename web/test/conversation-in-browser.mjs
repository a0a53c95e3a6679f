// Holds conversations of tests/conversations in Chromium, with the page's own loop and workspace, and prints their logs.
//
//     node web/test/conversation-in-browser.mjs COMPONENT FILE.json...
//
// dist/web is used where it was built of this component, else the component is transpiled here.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { provenance, writeGlue } from "../build/glue.mjs";
import { launch } from "./browser.mjs";
import { serve } from "./static-server.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const [file, ...conversations] = process.argv.slice(2);
if (conversations.length === 0) {
  console.error("usage: node web/test/conversation-in-browser.mjs COMPONENT FILE.json...");
  process.exit(2);
}

const component = readFileSync(file);
const glue = `${root}/dist/web/component/glue.js`;
const isBuilt = existsSync(glue) && readFileSync(glue, "utf8").startsWith(provenance(component));
const scratch = isBuilt ? undefined : mkdtempSync(`${tmpdir()}/dewclaw-web-`);
if (scratch) await writeGlue(component, scratch);

const site = await serve({
  component: scratch ?? `${root}/dist/web/component`,
  src: isBuilt ? `${root}/dist/web/src` : `${root}/web/src`,
  "": `${root}/web`,
});
const browser = await launch();
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(error));
  await page.goto(`${site.url}test/conversation.html`);
  await page.waitForFunction("window.held");
  for (const path of conversations) {
    const { log, failed } = await page.evaluate((given) => window.held(given), JSON.parse(readFileSync(path, "utf8")));
    process.stdout.write(log);
    if (failed) {
      console.error(`${path}: ${failed}`);
      process.exitCode = 1;
      break;
    }
  }
} finally {
  await browser.close();
  site.close();
  if (scratch) rmSync(scratch, { recursive: true });
}
