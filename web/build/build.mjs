// Makes the page's static files: what scripts/build-web calls.
//
//     node web/build/build.mjs COMPONENT FOLDER
//
// Ends with a table of what a visit transfers, and fails where that is past the ceiling.

import { cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { minified, writeGlue } from "./glue.mjs";

/** Bytes of a visit in all, without any compression by the server, the recording among them. The promise is 250,000. */
const CEILING = 175_000;

const root = fileURLToPath(new URL("../..", import.meta.url));
const [component, folder] = process.argv.slice(2);
if (!folder) throw new Error("usage: node web/build/build.mjs COMPONENT FOLDER");

const filesBelow = (top) =>
  readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(top, path.join(entry.parentPath, entry.name)))
    .sort();

// Beside the place, and moved there whole: a server that runs never sees half of it.
const partial = `${folder}.partial`;
rmSync(partial, { recursive: true, force: true });
await writeGlue(readFileSync(component), `${partial}/component`);
const ship = (name, content) => writeFileSync(`${partial}/${name}.gz`, gzipSync(content, { level: 9 }));
for (const name of filesBelow(`${partial}/component`).filter((name) => name.endsWith(".wasm"))) {
  const file = `component/${name}`;
  ship(file, readFileSync(`${partial}/${file}`));
  rmSync(`${partial}/${file}`);
}

cpSync(`${root}/web/icon.svg`, `${partial}/icon.svg`);
const html = readFileSync(`${root}/web/index.html`, "utf8");
writeFileSync(`${partial}/index.html`, html.replace(/\s*\n\s*/g, "\n"));
const css = filesBelow(`${root}/web/style`).map((name) => readFileSync(`${root}/web/style/${name}`, "utf8")).join("");
const tight = css.replace(/\/\*[^]*?\*\//g, "").replace(/\s+/g, " ").replace(/ ?([{};,]) ?/g, "$1");
writeFileSync(`${partial}/style.css`, tight.replace(/: /g, ":").replace(/;\}/g, "}"));
for (const name of filesBelow(`${root}/web/src`)) {
  mkdirSync(path.dirname(`${partial}/src/${name}`), { recursive: true });
  writeFileSync(`${partial}/src/${name}`, await minified(readFileSync(`${root}/web/src/${name}`, "utf8")));
}

mkdirSync(`${partial}/demo`);
ship("demo/recording.jsonl", readFileSync(`${root}/examples/recordings/demo.jsonl`));
const workspace = filesBelow(`${root}/examples/workspace`).map((name) => [
  name,
  readFileSync(`${root}/examples/workspace/${name}`, "utf8"),
]);
ship("demo/workspace.json", JSON.stringify(Object.fromEntries(workspace)));

rmSync(folder, { recursive: true, force: true });
renameSync(partial, folder);

const table = [["bytes", "gzipped", ""]];
const sum = (names, title) => {
  const total = [0, 0];
  for (const name of names) {
    const content = readFileSync(`${folder}/${name}`);
    const sizes = [content.length, gzipSync(content, { level: 9 }).length];
    table.push([...sizes, name]);
    sizes.forEach((size, column) => (total[column] += size));
  }
  table.push([...total, title]);
  return total[0];
};
const [demo, first] = [filesBelow(`${folder}/demo`).map((name) => `demo/${name}`), filesBelow(folder)];
const page = sum(first.filter((name) => !demo.includes(name)), "the page");
const bytes = page + sum(demo, `more, when the recording is played: at most ${CEILING} together, without compression`);
for (const [size, zipped, name] of table) console.log(`${String(size).padStart(9)}${String(zipped).padStart(9)}  ${name}`);
if (bytes > CEILING) {
  console.error(`the page has ${bytes - CEILING} bytes too many: see the table above`);
  process.exit(1);
}
