// Runs a core module of WASI preview 1 in Node's own runtime for it.
//
//     node --no-warnings preview1.mjs '{"GUEST": "HOST"}' MODULE [ARGUMENT]...
//
// The first argument is the folders that the guest gets, by the names that it sees. The status is the guest's exit code.

import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const [folders, file, ...args] = process.argv.slice(2);
const wasi = new WASI({
  version: "preview1",
  args: [file, ...args],
  preopens: JSON.parse(folders),
  returnOnExit: true,
});
const { instance } = await WebAssembly.instantiate(readFileSync(file), wasi.getImportObject());
process.exitCode = wasi.start(instance);
