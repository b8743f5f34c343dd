// Sends requests to the emulator, and reads its stream of events.

/** The emulator answered with an error, or not at all (then `status` is 0). */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// The secrets of requests. Both stay in this tab, since a cookie would be sent to every port of this machine.
const KEY = "key";
const TOKEN = "access-token";
// The stream sends something every 15 s at least.
const SILENCE_MS = 40_000;

let askFor = async () => null;
let asking = null;

/** Sets the function that asks for the emulator's key, or on other machines its access token: `async (what, wrong) => value or null`. */
export function onSecretNeeded(ask) {
  askFor = ask;
}

/** Removes the key from the page's address, so that it is neither shown nor kept in the history. */
export function takeKey() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const key = parameters.get(KEY);
  if (key === null) return false;
  sessionStorage.setItem(KEY, key);
  parameters.delete(KEY);
  history.replaceState(null, "", `${location.pathname}#${parameters}`);
  return true;
}

async function send(method, path, { query = {}, body, signal } = {}) {
  for (;;) {
    const headers = {};
    const sent = { [KEY]: sessionStorage.getItem(KEY), [TOKEN]: sessionStorage.getItem(TOKEN) };
    if (sent[KEY]) headers["Emulator-Key"] = sent[KEY];
    if (sent[TOKEN]) headers.Authorization = `Bearer ${sent[TOKEN]}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const parameters = new URLSearchParams(query).toString();
    let response;
    try {
      response = await fetch(`/_emulator/${path}${parameters ? `?${parameters}` : ""}`, {
        method,
        headers,
        body,
        signal,
        cache: "no-store",
      });
    } catch (error) {
      throw new Refused(0, error.message);
    }
    if (response.ok) return response;
    const answer = await response.text().catch(() => "");
    const needed = response.headers.get("WWW-Authenticate") === "Emulator-Key" ? KEY : TOKEN;
    if (response.status === 401 && sessionStorage.getItem(needed) === sent[needed]) {
      asking ??= askFor(needed, sent[needed] !== null).finally(() => (asking = null));
      const given = await asking;
      if (given === null) throw new Refused(401, reason(answer, response));
      // The user may paste the whole address instead of the key.
      sessionStorage.setItem(needed, given.trim().replace(/^.*#(?:.*&)?key=([^&]*).*$/, "$1"));
    } else if (response.status !== 401) {
      throw new Refused(response.status, reason(answer, response));
    }
  }
}

function reason(answer, response) {
  try {
    const { error_msg: message } = JSON.parse(answer);
    if (typeof message === "string") return message;
  } catch {
    // It is no JSON: a fault that a test asked for can have any body.
  }
  return `${response.status} ${answer.slice(0, 200) || response.statusText}`;
}

/** Sends a request and returns the parsed answer. `body` is JSON text, so that its numbers are sent as they were written. */
export async function call(method, path, { exactNumbers = false, ...options } = {}) {
  const response = await send(method, path, options);
  if (response.status === 204) return null;
  return exactNumbers ? parseExactly(await response.text()) : response.json();
}

/** Reads a text, and the number of the latest event that it includes. */
export async function readText(path) {
  const response = await send("GET", path);
  return { text: await response.text(), event: Number(response.headers.get("Emulator-Event") ?? 0) };
}

/** Parses JSON; numbers that a double can't hold are kept as they were written, if the browser supports that. */
function parseExactly(json) {
  if (typeof JSON.rawJSON !== "function") return JSON.parse(json);
  return JSON.parse(json, (_key, value, context) => {
    if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
    return JSON.stringify(value) === context.source ? value : JSON.rawJSON(context.source);
  });
}

/** Opens the stream of events: `events` yields `{kind, number, data}` until the stream ends, `close` ends it. */
export async function openEvents() {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  const response = await send("GET", "events", { signal: silence.signal }).finally(() => clearTimeout(timer));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();

  async function* read() {
    let rest = "";
    for (;;) {
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      let chunk;
      try {
        chunk = await reader.read();
      } catch (error) {
        throw new Refused(0, error.message);
      } finally {
        clearTimeout(timer);
      }
      if (chunk.done) return;
      const blocks = (rest + chunk.value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
        if (fields.event) yield { kind: fields.event, number: Number(fields.id), data: JSON.parse(fields.data) };
      }
    }
  }
  return { events: read(), close: () => silence.abort() };
}
