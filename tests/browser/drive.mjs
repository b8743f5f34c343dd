// Drives headless Chromium for the tests: a command per line comes in as JSON, an answer per line goes out.
//
// {"page": …, "do": …, "with": {…}} is answered with {"value": …} or {"error": …}.

import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
// It only bounds how long a test hangs that is going to fail.
const PATIENCE_MS = 60_000;

const [executablePath] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: FLAGS, timeout: PATIENCE_MS });
const pages = new Map();

/** An element as its reader finds it: by role and name, by label or text, or by a CSS selector. */
function locate(page, { css, role, name, label, text, within }) {
  const root = within ? locate(page, within) : page;
  if (role) return root.getByRole(role, name === undefined ? {} : { name, exact: true });
  if (label) return root.getByLabel(label, { exact: true });
  if (text) return root.getByText(text);
  return root.locator(css);
}

/** What an expression says in the page. Playwright's own way goes through `eval`, which the page forbids. */
async function evaluate({ session }, expression) {
  const options = { expression, awaitPromise: true, returnByValue: true, allowUnsafeEvalBlockedByCSP: false };
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", options);
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

async function until(seen, expression) {
  const deadline = Date.now() + PATIENCE_MS;
  // While one page gives way to another there is none to ask, which the protocol says as an error.
  const holds = () =>
    evaluate(seen, expression).catch((error) => {
      if (!error.message.includes("Protocol error")) throw error;
      return false;
    });
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("it did not become so in time");
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

const commands = {
  async open(id, { url, ...options }) {
    const { origin, protocol } = new URL(url);
    const context = await browser.newContext(options);
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    const seen = { page, session: await context.newCDPSession(page), problems: [], foreign: [] };
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) seen.problems.push(message.text());
    });
    page.on("pageerror", (error) => seen.problems.push(String(error)));
    // A page with a draft asks whether it may be left.
    page.on("dialog", (dialog) => dialog.accept());
    // Nothing but the emulator is reached, whatever the page asks for: the answers would not be in the test's hands.
    // The origin of pages that are files is their scheme; every one of them is its own for the browser.
    await context.route(
      (asked) =>
        (asked.origin !== origin || asked.protocol !== protocol) && asked.protocol !== "blob:" && asked.protocol !== "data:",
      (route) => {
        seen.foreign.push(route.request().url());
        return route.abort();
      },
    );
    pages.set(id, seen);
    await page.goto(url);
  },
  async close(id) {
    const { page, problems, foreign } = pages.get(id);
    pages.delete(id);
    await page.context().close();
    return { problems, foreign };
  },
  goto: (id, { url }) => pages.get(id).page.goto(url).then(() => null),
  reload: (id) => pages.get(id).page.reload().then(() => null),
  click: (id, { target }) => locate(pages.get(id).page, target).click(),
  fill: (id, { target, value }) => locate(pages.get(id).page, target).fill(value),
  choose: (id, { target, value }) => locate(pages.get(id).page, target).selectOption({ label: value }).then(() => null),
  press: (id, { keys }) => pages.get(id).page.keyboard.press(keys),
  type: (id, { text }) => pages.get(id).page.keyboard.type(text),
  text: (id, { target }) => locate(pages.get(id).page, target).innerText(),
  texts: (id, { target }) => locate(pages.get(id).page, target).allInnerTexts(),
  value: (id, { target }) => locate(pages.get(id).page, target).inputValue(),
  enabled: (id, { target }) => locate(pages.get(id).page, target).isEnabled(),
  visible: (id, { target }) => locate(pages.get(id).page, target).isVisible(),
  wait: (id, { target, state }) => locate(pages.get(id).page, target).first().waitFor({ state }),
  evaluate: (id, { script }) => evaluate(pages.get(id), script),
  until: (id, { script }) => until(pages.get(id), script),
  picture: (id, { path, whole }) => pages.get(id).page.screenshot({ path, fullPage: whole }).then(() => null),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { page, do: name, with: values } = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await commands[name](page, values ?? {})) ?? null };
  } catch (error) {
    answer = { error: String(error.message) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
