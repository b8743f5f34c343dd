// The form to call a function: data as JSON, three ways to call, and the result.

import { ask, byId, element, formatBytes, formatDuration, longText, notify } from "./elements.js";
import { call, readText } from "./emulator.js";
import { functionPath } from "./place.js";
import { asCurl, asPython } from "./snippets.js";
import { setText, text } from "./texts.js";

const SUBJECTS = ["sdk", "open_api", "cloud_function", "flex_schema", "wechat_pay_success", "timer", "file_operation"];
const START = '{\n  "name": "爱范儿"\n}';

export class CallForm {
  /**
   * @param page the page: its `place`.
   * @param onCalled called with the job of a call, and whether it still runs.
   */
  constructor(page, onCalled) {
    this.page = page;
    this.onCalled = onCalled;
    this.area = byId("data");
    this.busy = false;
    this.turn = 0;
    byId("subject").append(...SUBJECTS.map((subject) => element("option", { value: subject }, subject)));
    this.area.addEventListener("input", () => this.check());
    this.area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        byId("call-form").requestSubmit(byId("invoke"));
      }
    });
    byId("format").addEventListener("click", () => this.format());
    byId("call-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.start({ sync: true, source: "open_api" });
    });
    byId("trigger").addEventListener("click", () => this.start({ sync: false, source: "open_api" }));
    byId("copy-python").addEventListener("click", () => this.copy(asPython).catch(page.fail));
    byId("copy-curl").addEventListener("click", () => this.copy(asCurl).catch(page.fail));
    byId("debug").addEventListener("click", () => this.start({ sync: true, source: byId("subject").value, button: "debug" }));
  }

  /** Shows the form of the chosen function, with the data of its last call. */
  show() {
    this.turn += 1;
    this.busy = false;
    this.area.value = sessionStorage.getItem(this.key()) ?? START;
    byId("result").replaceChildren();
    this.check();
  }

  key() {
    return `data ${JSON.stringify([this.page.place.environment, this.page.place.function])}`;
  }

  check() {
    const problem = byId("data-problem");
    let data;
    let reason = null;
    try {
      data = JSON.parse(this.area.value);
    } catch (error) {
      reason = this.area.value.trim() ? text("dataProblem", { reason: error.message }) : text("dataEmpty");
    }
    const isObject = typeof data === "object" && data !== null && !Array.isArray(data);
    this.area.setAttribute("aria-invalid", reason !== null);
    problem.textContent = reason ?? (isObject ? "" : text("dataNoObject"));
    problem.classList.toggle("error", reason !== null);
    byId("format").disabled = reason !== null;
    byId("debug").disabled = this.busy || reason !== null;
    for (const id of ["copy-python", "copy-curl"]) byId(id).disabled = !isObject;
    for (const id of ["invoke", "trigger"]) byId(id).disabled = this.busy || !isObject;
    try {
      sessionStorage.setItem(this.key(), this.area.value);
    } catch {
      // It is too large for the browser's storage, so a reload starts with the example again.
    }
  }

  format() {
    // Formatted token by token, since parsing would round long numbers and drop repeated keys.
    const tokens = this.area.value.match(/"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s[\]{}:,"]+/g) ?? [];
    let depth = 0;
    let formatted = "";
    tokens.forEach((token, index) => {
      const empty = "]}".includes(token) && "[{".includes(tokens[index - 1] ?? " ");
      if ("]}".includes(token)) depth -= 1;
      if ("]}".includes(token) && !empty) formatted += `\n${"  ".repeat(depth)}`;
      formatted += token;
      if ("[{".includes(token)) depth += 1;
      const opens = "[{".includes(token) && !"]}".includes(tokens[index + 1] ?? " ");
      if (token === ":") formatted += " ";
      else if (token === "," || opens) formatted += `\n${"  ".repeat(depth)}`;
    });
    this.area.value = formatted;
    this.check();
  }

  async copy(as) {
    const { environment, function: name } = this.page.place;
    const snippet = as({ environment, name, data: this.area.value.trim(), sync: true });
    try {
      await navigator.clipboard.writeText(snippet);
    } catch {
      // Not allowed, or the page is served by another machine, where the browser has no clipboard.
      await ask({ title: text("copyByHand"), message: snippet, confirm: text("close") });
      return;
    }
    notify("copied");
  }

  /** Calls the function with the data of a job. */
  async rerun(id) {
    const [job, { text: data }] = await Promise.all([call("GET", `jobs/${id}`), readText(`jobs/${id}/data`)]);
    if (!this.busy) await this.start({ sync: job.service_type !== "batch", source: job.source, data });
  }

  /** Copies the data of a job into the form. */
  async edit(id) {
    const { text: data } = await readText(`jobs/${id}/data`);
    this.area.value = data;
    this.format();
    this.area.focus();
  }

  async start({ sync, source, button = sync ? "invoke" : "trigger", data = null }) {
    if (data === null && byId(button).disabled) return;
    const turn = ++this.turn;
    const { environment, function: name } = this.page.place;
    const result = byId("result");
    this.busy = true;
    this.check();
    result.replaceChildren(setText(element("p", { class: "hint" }), "running"));
    try {
      const answer = await call("POST", `${functionPath(name)}/call`, {
        query: { environment },
        body: `{"data":${data ?? this.area.value},"sync":${sync},"source":${JSON.stringify(source)}}`,
        exactNumbers: true,
      });
      // The page shows another function now; the job is in the list.
      if (turn !== this.turn) return;
      if (sync) this.showResult(answer);
      else result.replaceChildren(setText(element("p"), "started", { job: answer.job.id }));
      this.onCalled(answer.job, !sync);
    } catch (error) {
      if (turn !== this.turn) return;
      result.replaceChildren(
        setText(element("p", { class: "problem error" }), "goneWrong", {
          reason: error.status === 0 ? () => text("noAnswer") : error.message,
        }),
      );
    } finally {
      if (turn === this.turn) {
        this.busy = false;
        this.check();
      }
    }
  }

  showResult({ result, job, execution_time: milliseconds }) {
    const failed = result.code !== 0;
    const facts = [formatDuration(milliseconds / 1000)];
    if (job.mem_usage) facts.push(formatBytes(job.mem_usage));
    const shown = [
      element(
        "p",
        { class: "outcome" },
        setText(element("span", { class: `status ${failed ? "bad" : "good"}` }), failed ? "failed" : "succeeded"),
        failed && job.status !== "execution_failed" ? setText(element("span"), job.status) : null,
        element("span", { class: "hint" }, facts.join(" · ")),
      ),
    ];
    if (failed) {
      const { message = "", type, stack, ...rest } = result.error;
      const head = type ? `${type}: ${message}` : String(message);
      shown.push(element("p", { class: "error-message" }, head));
      // A stack mostly begins with the message.
      if (stack) shown.push(longText(String(stack).replace(`${head}\n`, ""), { class: "stack" }));
      if (Object.keys(rest).length) shown.push(longText(JSON.stringify(rest, null, 2)));
    } else {
      shown.push(longText(JSON.stringify(result.data, null, 2), { class: "value" }));
    }
    byId("result").replaceChildren(...shown);
  }
}
