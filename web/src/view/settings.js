// The form that says which model is asked. Its values live in the page and nowhere else.

import { isMixedContent, isOllama } from "../problem.js";
import { byId } from "./element.js";

const DEFAULT_URLS = { openai: "https://api.openai.com/v1", anthropic: "https://api.anthropic.com" };

/** Tries of one model call: a person watches, and can send again. */
const RETRY_ATTEMPTS = 3;

/** The form, which stands on the start and later in a dialog. */
export class SettingsForm {
  #form = byId("settings");
  #wrong = this.#form.querySelector(".wrong");

  /** @param {(settings: object, key: string) => Promise<string | undefined>} use takes them, or says what is wrong */
  constructor(use) {
    this.#form.reset();
    this.#form.addEventListener("input", () => this.#note());
    this.#form.addEventListener("submit", async (event) => {
      event.preventDefault();
      this.wrong(await use(this.settings(), this.key()));
    });
    byId("change").addEventListener("click", () => this.openDialog());
    byId("dialog-close").addEventListener("click", () => byId("dialog").close());
    this.#note();
  }

  /** The settings of a session, as `dewclaw.json` has them. */
  settings() {
    const value = (name) => this.#form.elements[name].value.trim();
    const settings = { wire: value("wire"), model: value("model"), approve: value("approve"), retry_attempts: RETRY_ATTEMPTS };
    if (value("base_url")) settings.base_url = value("base_url");
    if (value("system")) settings.system = value("system");
    return settings;
  }

  key() {
    return this.#form.elements.key.value.trim();
  }

  /** @param {string | undefined} text */
  wrong(text) {
    this.#wrong.textContent = text ?? "";
    if (text && this.settings().model === "") this.#form.elements.model.focus();
  }

  /** Puts the form back on the start. */
  toStart() {
    byId("ask-card").append(this.#form);
    byId("use").textContent = "Start a conversation";
  }

  openDialog() {
    byId("dialog-body").append(this.#form);
    byId("use").textContent = "Go on with these";
    this.wrong();
    byId("dialog").showModal();
  }

  #note() {
    const { wire } = this.settings();
    const field = this.#form.elements.base_url;
    field.placeholder = DEFAULT_URLS[wire];
    const url = field.value.trim() || DEFAULT_URLS[wire];
    const note = byId("url-note");
    note.classList.toggle("warning", isMixedContent(url));
    if (isMixedContent(url)) note.textContent = "This page came over https, so the browser will block an http server elsewhere.";
    else if (isOllama(url)) note.textContent = `Ollama answers this page when OLLAMA_ORIGINS allows ${location.origin}; pages of this machine it allows anyway.`;
    else if (wire === "anthropic") note.textContent = "Without a path: the wire adds /v1/messages.";
    else note.textContent = "Any server of chat completions that allows this page, such as http://localhost:11434/v1.";
  }
}
