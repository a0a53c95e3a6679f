// Holds conversations of tests/conversations in Chromium, with the page's own loop and workspace, and prints their logs, or
// writes each to DIR/NAME.log.
//
//     node web/test/conversation-in-browser.mjs [--out DIR] COMPONENT FILE.json...
//
// dist/web is used where it was built of this component, else the component is transpiled here.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { provenance, writeGlue } from "../build/glue.mjs";
import { launch } from "./browser.mjs";
import { serve } from "./static-server.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const options = { out: { type: "string" } };
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const [file, ...conversations] = positionals;
if (conversations.length === 0) {
  console.error("usage: node web/test/conversation-in-browser.mjs [--out DIR] COMPONENT FILE.json...");
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
    if (values.out) writeFileSync(join(values.out, `${basename(path, ".json")}.log`), log);
    else process.stdout.write(log);
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
