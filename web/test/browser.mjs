// Chromium for tests: Debian's, driven by playwright-core.

import { existsSync } from "node:fs";
import { tool } from "../build/tools.mjs";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Starts a browser. @returns {Promise<import("playwright-core").Browser>} */
export async function launch() {
  if (!existsSync(EXECUTABLE)) throw new Error(`no browser at ${EXECUTABLE}: install chromium, or name one by CHROMIUM`);
  const { chromium } = await tool("playwright-core");
  // Root has no sandbox to run in.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: EXECUTABLE, args });
}
