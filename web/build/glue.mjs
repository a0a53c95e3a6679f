// Makes the JavaScript of a component: what jco transpiles, without what a component of synchronous functions never uses.
//
//     node web/build/glue.mjs COMPONENT FOLDER
//
// Writes FOLDER/glue.js, an ES module with `instantiate(getCoreModule, imports)`, and the core modules beside it.
//
// jco 1.24 wraps each call in a task of the component model's async ABI, and lifts each result twice, the second time for
// that task. Nothing here is async, so the calls are unwrapped and terser drops what is left without a use: of
// dewclaw-core.wasm 210 KB, 82 KB minified, become 32 KB. The conversations of the tests hold that the meaning stays.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { tool } from "./tools.mjs";

/** Minifies an ES module. */
export async function minified(source, compress = {}) {
  const { minify } = await tool("terser");
  const { code } = await minify(source, { module: true, ecma: 2022, compress: { passes: 4, ...compress } });
  return code;
}

/** What may be assumed of the glue alone: nothing there is called or read for what it does beside its value. */
const GLUE = { pure_funcs: ["_debugLog"], pure_new: true, pure_getters: true, unsafe: true, unsafe_arrows: true };

/** The line that says which component the glue is of. */
export const provenance = (component) =>
  `// Made from a component of SHA-256 ${createHash("sha256").update(component).digest("hex")}\n`;

/** Writes the glue of a component, given as bytes. */
export async function writeGlue(component, folder) {
  const { transpile } = await tool("@bytecodealliance/jco");
  const { files } = await transpile(component, {
    name: "glue",
    instantiation: "async",
    noTypescript: true,
    nodejsCompat: false,
    validLiftingOptimization: true,
    quiet: true,
  });
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    if (name.endsWith(".wasm")) writeFileSync(`${folder}/${name}`, content);
  }
  const source = new TextDecoder().decode(files["glue.js"]);
  writeFileSync(`${folder}/glue.js`, provenance(component) + (await minified(await unwrapped(source), GLUE)));
}

/** The calls without their tasks. */
async function unwrapped(source) {
  const { parse } = await tool("acorn");
  const text = ({ start, end }) => source.slice(start, end);
  const bookkeeping = /^(const \[task,|const started =|const hostProvided =|let cstate =|if \(0!== null\) \{|task\.|cstate\.)/;
  const cuts = [];
  let calls = 0;
  walk(parse(source, { ecmaVersion: "latest", sourceType: "module" }), (node) => {
    if (node.type !== "FunctionExpression" || !node.body.body.some((part) => text(part).startsWith("const [task,"))) return;
    for (const part of node.body.body) {
      if (bookkeeping.test(text(part))) {
        cuts.push([part, ""]);
      } else if (part.type === "TryStatement") {
        const [{ expression }] = part.block.body;
        const call = expression.type === "AssignmentExpression" ? expression.right : expression;
        const wrapped = call.arguments[0].properties.find(({ key }) => key.name === "fn").value.body;
        cuts.push([part, `${call === expression ? "" : "ret = "}${text(wrapped)};`]);
        calls += 1;
      }
    }
  });
  let result = source;
  for (const [part, replacement] of cuts.sort(([a], [b]) => b.start - a.start)) {
    result = result.slice(0, part.start) + replacement + result.slice(part.end);
  }
  if (calls === 0 || /\btask\.(id|resolve|exit)\(/.test(result.slice(result.indexOf("_initGenerator")))) {
    throw new Error("jco's output is not as web/build/glue.mjs knows it: look at what a call looks like now");
  }
  return result;
}

function walk(node, visit) {
  visit(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === "string") walk(child, visit);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [component, folder] = process.argv.slice(2);
  if (!folder) throw new Error("usage: node web/build/glue.mjs COMPONENT FOLDER");
  await writeGlue(readFileSync(component), folder);
}
