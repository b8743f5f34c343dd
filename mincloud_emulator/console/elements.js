// Building what the page shows. Whatever comes from outside becomes a text node or an attribute of a fixed name.

import { language, say } from "./texts.js";

export const byId = (id) => document.getElementById(id);

/** An element with attributes, listeners (`onclick: …`) and children; strings become text nodes. */
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

/** A block of text that is cut where it would make the page slow, with a button to show all of it. */
export function longText(whole, attributes = {}) {
  const block = element("pre", { tabindex: "0", ...attributes });
  if (whole.length <= SHOWN_CHARACTERS) {
    block.append(whole);
    return block;
  }
  const more = say(element("button", { type: "button", class: "quiet" }), "showAll", { length: whole.length.toLocaleString() });
  more.addEventListener("click", () => block.replaceChildren(whole));
  block.append(whole.slice(0, SHOWN_CHARACTERS), "…\n", more);
  return block;
}

/** Do something at most every `ms`, once for any number of calls in between. */
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

/** A moment in local time, with the date unless it is today. */
export function moment(seconds, { fraction = true } = {}) {
  const at = new Date(seconds * 1000);
  const clock = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  const time = fraction ? `${clock}.${pad(at.getMilliseconds(), 3)}` : clock;
  if (at.toDateString() === new Date().toDateString()) return time;
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${time}`;
}

/** A `time` element of a moment, which tells the whole of it to whoever points at it. */
export function momentElement(seconds, options) {
  const at = new Date(seconds * 1000);
  return element(
    "time",
    { datetime: at.toISOString(), title: at.toLocaleString(language === "zh" ? "zh-CN" : "en", { dateStyle: "full", timeStyle: "long" }) },
    moment(seconds, options),
  );
}

export function span(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 100) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

export function bytes(count) {
  return count < 1024 * 1024 ? `${Math.ceil(count / 1024)} kB` : `${(count / 1024 / 1024).toFixed(1)} MB`;
}

/** Tell the user something that goes away by itself; errors stay until they are dismissed. */
export function notify(key, values = {}, { error = false } = {}) {
  const notice = element("p", { class: error ? "notice error" : "notice" }, say(element("span"), key, values));
  const close = element("button", { type: "button", class: "quiet", "aria-label": "×", onclick: () => notice.remove() }, "×");
  notice.append(close);
  const notices = byId("notices");
  notices.append(notice);
  while (notices.children.length > 4) notices.firstChild.remove();
  if (!error) setTimeout(() => notice.remove(), 5000);
}

let askQueue = Promise.resolve();

/**
 * Ask for one value or a confirmation in a dialog.
 *
 * `check` may refuse the value: it returns (a promise of) a problem, or null. What comes back is the value, `""` for a
 * mere confirmation, or null when the dialog was dismissed.
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
