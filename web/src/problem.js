// What a browser makes of network failures, in words: the cause, and what to do.

/**
 * @typedef {object} Problem
 * @property {string} title
 * @property {string[]} steps what to do, or to look at; most likely first
 */

/** Hosts that a browser trusts without TLS, and that an https page may reach. */
const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/;

const hostOf = (url) => {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
};

/** Whether a browser blocks the request because the page came over TLS and it would not. */
export function isMixedContent(url, page = globalThis.location) {
  const target = hostOf(url);
  return page?.protocol === "https:" && target?.protocol === "http:" && !LOOPBACK.test(target.hostname);
}

/** Whether this looks like Ollama's address. */
export const isOllama = (url) => hostOf(url)?.port === "11434";

/**
 * @param {string} kind a class of `http-error`, or `cors`, `unreachable`, `offline`, `mixed-content`, `redirect`
 * @param {string} url
 * @returns {Problem | undefined}
 */
export function explained(kind, url, page = globalThis.location) {
  const target = hostOf(url);
  const origin = page?.origin ?? "this page";
  const server = target?.host ?? url;
  const allow = isOllama(url)
    ? `Ollama: quit it and start it with OLLAMA_ORIGINS=${origin} in its environment.`
    : `The server must answer with access-control-allow-origin: ${origin} (or *), and allow the headers authorization, x-api-key and content-type in its answer to OPTIONS.`;
  switch (kind) {
    case "cors":
      return {
        title: `${server} answers, but not to this page`,
        steps: [
          `A browser lets a page read only what a server allows it (CORS), and this one did not allow ${origin}. Its answer can’t be seen here, an error status included.`,
          allow,
          "Some vendors allow no page at all. A gateway of your own that does, such as LiteLLM, can stand between.",
        ],
      };
    case "unreachable":
    case "connect":
      return {
        title: `No answer from ${server}`,
        steps: [
          "A browser does not say why: the name may be wrong, nothing may listen there, its certificate may not be trusted, an extension or the network may block it, or the server may refuse this page (CORS).",
          `Check the base URL, and that the server runs: open ${target?.origin ?? url} in a tab.`,
          allow,
          "Chrome asks before a page from elsewhere reaches a server in your own network or on this machine: allow it in the address bar.",
        ],
      };
    case "offline":
      return { title: "This browser is offline", steps: ["Connect it, then send the message again."] };
    case "mixed-content":
      return {
        title: "An https page may not call an http server",
        steps: [
          `This page came over https, and ${server} is http: browsers block that (mixed content), but for localhost.`,
          "Serve this page over http from your own machine, reach the server over https, or run it on localhost.",
        ],
      };
    case "redirect":
      return {
        title: `${server} redirects`,
        steps: ["The key is not sent on to another address. Write the address that the server redirects to as the base URL."],
      };
    case "first-byte-timeout":
      return {
        title: `${server} did not begin to answer in time`,
        steps: ["A large model that is being loaded may take minutes: try again. Else check that the server is not stuck."],
      };
    case "between-bytes-timeout":
      return { title: `${server} fell silent in the middle of its answer`, steps: ["Send the message again."] };
    case "closed":
      return { title: `The connection to ${server} broke off`, steps: ["Send the message again."] };
    default:
      return undefined;
  }
}
