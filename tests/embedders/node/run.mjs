// Runs conversations of tests/conversations in Node, by the very loop of examples/embed-node, and writes their logs.
//
//     node run.mjs COMPONENT FILE.json            the log on standard output
//     node run.mjs --out DIR COMPONENT FILE.json…  the logs as DIR/NAME.log
//
// COMPONENT is the folder that `jco transpile dewclaw-core.wasm -o FOLDER` has made, or the component itself, which is
// then transpiled into a temporary folder by the jco that the variable JCO names.
//
// tests/conversations/README.md says what the files and the logs hold. The status is 1 where a conversation does not end
// as its file says.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { hold } from "./conversation.mjs";

/** The interface of the component: transpiled here, if it was not before. */
async function load(component) {
  const entry = (folder) => import(pathToFileURL(resolve(folder, "dewclaw-core.js")));
  if (!component.endsWith(".wasm")) return (await entry(component)).session;
  const folder = mkdtempSync(join(tmpdir(), "dewclaw-node-"));
  try {
    const jco = process.env.JCO ?? "jco";
    execFileSync(jco, ["transpile", component, "-o", folder, "--name", "dewclaw-core", "--quiet"]);
    writeFileSync(join(folder, "package.json"), '{"type": "module"}');
    return (await entry(folder)).session;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const options = { out: { type: "string" } };
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const [component, ...files] = positionals;
if (files.length === 0 || (files.length > 1 && !values.out)) {
  console.error("usage: node run.mjs [--out DIR] COMPONENT FILE.json…, with --out for more than one file");
  process.exit(2);
}
const dewclaw = await load(component);
for (const file of files) {
  const log = [];
  const wrong = await hold(dewclaw, JSON.parse(readFileSync(file, "utf8")), (line) => log.push(`${line}\n`));
  const name = basename(file, ".json");
  if (values.out) writeFileSync(join(values.out, `${name}.log`), log.join(""));
  else process.stdout.write(log.join(""));
  if (wrong) {
    console.error(`${name}: ${wrong}`);
    process.exitCode = 1;
  }
}
