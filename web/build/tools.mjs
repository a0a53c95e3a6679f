// The packages of scripts/npm/package-lock.json, which scripts/tools.sh installs outside the tree.

import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const script = fileURLToPath(new URL("../../scripts/tools.sh", import.meta.url));
let programs;

/** The folder of their programs. Installs them where they are missing. */
function folder() {
  programs ??= execFileSync("bash", ["-c", '. "$1"; need_npm; printf %s "$npm_bin"', "node", script], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return programs;
}

/** A module of theirs. @param {string} name */
export async function tool(name) {
  const module = await import(pathToFileURL(createRequire(`${path.dirname(folder())}/`).resolve(name)));
  return module.default ?? module;
}

/** The path of a program of theirs. @param {string} name */
export const program = (name) => path.join(folder(), name);
