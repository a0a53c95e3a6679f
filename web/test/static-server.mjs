// A web server for tests: files of folders as they are, on a port of loopback that the system chooses.

import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json" };

/**
 * @param {Record<string, string>} folders what each first part of a path leads to; "" for every other
 * @returns {Promise<{ url: string, asked: string[], close: () => void }>}
 */
export async function serve(folders) {
  const asked = [];
  const server = createServer((request, response) => {
    const [, first, ...rest] = decodeURIComponent(new URL(request.url, "http://localhost").pathname).split("/");
    const file = first in folders && first !== "" ? path.join(folders[first], ...rest) : path.join(folders[""], first, ...rest);
    const found = existsSync(file) && statSync(file).isDirectory() ? path.join(file, "index.html") : file;
    asked.push(request.url);
    if (!existsSync(found)) return response.writeHead(404).end();
    // Nothing says what a .wasm or a .gz is: the page must not need it.
    response.writeHead(200, { "content-type": TYPES[path.extname(found)] ?? "application/octet-stream", "content-length": statSync(found).size });
    return createReadStream(found).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}/`, asked, close };
}
