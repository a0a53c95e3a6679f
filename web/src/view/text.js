// A text of the model as elements.

import { blocks } from "../markdown.js";
import { element } from "./element.js";

/** @param {string} text @returns {HTMLElement[]} */
export function rendered(text) {
  return blocks(text).map((block) => {
    if (block.kind === "fence") return element("pre", { tabindex: "0" }, element("code", {}, block.text));
    const spans = block.spans.map(({ kind, text }) => (kind === "plain" ? text : element(kind, {}, text)));
    return element(block.kind === "heading" ? "p.heading" : "p", {}, ...spans);
  });
}

/** A text that grows: drawn at most once a frame. */
export class GrowingText {
  #text = "";
  #frame = 0;

  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
  }

  get text() {
    return this.#text;
  }

  add(more) {
    this.#text += more;
    this.#frame ||= requestAnimationFrame(() => this.draw());
  }

  /** Draws what has come so far. */
  draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.place.replaceChildren(...rendered(this.#text));
  }
}
