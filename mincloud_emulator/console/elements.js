// Builds the page's elements. Data from outside only becomes text nodes or values of fixed attributes.

import { language, setText } from "./texts.js";

export const byId = (id) => document.getElementById(id);

/** Creates an element with attributes, listeners (`onclick: …`) and children; strings become text nodes. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (attribute.startsWith("on")) made.addEventListener(attribute.slice(2), value);
    else if (value === true) made.setAttribute(attribute, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(attribute, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const SHOWN_CHARACTERS = 100_000;

/** Creates a block of text; one that would make the page slow is cut, with a button to show all of it. */
export function longText(whole, attributes = {}) {
  const block = element("pre", { tabindex: "0", ...attributes });
  if (whole.length <= SHOWN_CHARACTERS) {
    block.append(whole);
    return block;
  }
  const more = setText(element("button", { type: "button", class: "quiet" }), "showAll", { length: whole.length.toLocaleString() });
  more.addEventListener("click", () => block.replaceChildren(whole));
  block.append(whole.slice(0, SHOWN_CHARACTERS), "…\n", more);
  return block;
}

/** Limits an action to one run every `ms`, for any number of calls in between. */
export function atMostEvery(ms, action) {
  let timer = null;
  return () => {
    timer ??= setTimeout(() => {
      timer = null;
      action();
    }, ms);
  };
}

const pad = (number, length = 2) => String(number).padStart(length, "0");

/** Formats a time as local time, with the date unless it is today. */
export function formatTime(seconds, { fraction = true } = {}) {
  const at = new Date(seconds * 1000);
  const clock = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  const time = fraction ? `${clock}.${pad(at.getMilliseconds(), 3)}` : clock;
  if (at.toDateString() === new Date().toDateString()) return time;
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${time}`;
}

/** Returns a `time` element, with the whole time as its title. */
export function timeElement(seconds, options) {
  const at = new Date(seconds * 1000);
  return element(
    "time",
    { datetime: at.toISOString(), title: at.toLocaleString(language === "zh" ? "zh-CN" : "en", { dateStyle: "full", timeStyle: "long" }) },
    formatTime(seconds, options),
  );
}

export function formatDuration(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 100) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

export function formatBytes(count) {
  return count < 1024 * 1024 ? `${Math.ceil(count / 1024)} kB` : `${(count / 1024 / 1024).toFixed(1)} MB`;
}

/** Shows a message that disappears by itself; errors stay until they are dismissed. */
export function notify(key, values = {}, { error = false } = {}) {
  const notice = element("p", { class: error ? "notice error" : "notice" }, setText(element("span"), key, values));
  const close = element("button", { type: "button", class: "quiet", "aria-label": "×", onclick: () => notice.remove() }, "×");
  notice.append(close);
  const notices = byId("notices");
  notices.append(notice);
  while (notices.children.length > 4) notices.firstChild.remove();
  if (!error) setTimeout(() => notice.remove(), 5000);
}

let askQueue = Promise.resolve();

/**
 * Asks for a value or a confirmation in a dialog.
 *
 * `check` may refuse the value: it returns (a promise of) a problem, or null. Resolves to the value, `""` for a confirmation, or
 * null if the dialog was cancelled.
 */
export function ask(question) {
  const answered = askQueue.then(() => askNow(question));
  askQueue = answered.catch(() => null);
  return answered;
}

function askNow({ title, message = "", label = null, confirm, danger = false, secret = false, problem = "", check = () => null }) {
  const dialog = byId("ask");
  const form = byId("ask-form");
  const input = byId("ask-input");
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = message;
  byId("ask-field").hidden = label === null;
  byId("ask-label").textContent = label ?? "";
  byId("ask-problem").textContent = problem;
  input.value = "";
  input.type = secret ? "password" : "text";
  input.required = label !== null;
  input.disabled = label === null;
  const confirmButton = byId("ask-confirm");
  confirmButton.textContent = confirm;
  confirmButton.className = danger ? "danger" : "primary";
  return new Promise((resolve) => {
    const listening = new AbortController();
    const on = (target, kind, listener) => target.addEventListener(kind, listener, { signal: listening.signal });
    let answer = null;
    on(form, "submit", async (event) => {
      event.preventDefault();
      confirmButton.disabled = true;
      try {
        const found = await check(input.value);
        byId("ask-problem").textContent = found ?? "";
        if (found) return;
      } finally {
        confirmButton.disabled = false;
      }
      answer = input.value;
      dialog.close();
    });
    on(byId("ask-cancel"), "click", () => dialog.close());
    on(dialog, "close", () => {
      listening.abort();
      resolve(answer);
    });
    dialog.showModal();
    (label === null ? byId("ask-cancel") : input).focus();
  });
}
