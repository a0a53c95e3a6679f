// Loads dewclaw-core.wasm as web/build/glue.mjs has it, and opens sessions in it.

import { instantiate } from "../component/glue.js";
import { shipped } from "./shipped.js";

const modules = new Map();

/** Compiled from bytes, so that no server needs to know the type `application/wasm`. */
function coreModule(name) {
  if (!modules.has(name)) modules.set(name, compiled(`component/${name}`));
  return modules.get(name);
}

async function compiled(name) {
  return WebAssembly.compile(await (await shipped(name)).arrayBuffer());
}

/** A new instance of the component. A trap ends one, and every session in it. @returns {Promise<{ Session: object }>} */
export async function newInstance() {
  const { session } = await instantiate(coreModule, {});
  return session;
}

/**
 * What no other kind of error from a session is: a typed one of wit/session.wit, after which nothing has changed.
 * @returns {{ tag: string, val?: string } | undefined}
 */
export function misuse(error) {
  return error?.payload?.tag ? error.payload : undefined;
}
