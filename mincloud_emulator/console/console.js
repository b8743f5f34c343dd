// The page: shows the chosen function and job, and follows the events of the emulator.

import { CallForm } from "./call_form.js";
import { CodeEditor } from "./code_editor.js";
import { ask, byId, element, formatTime, notify } from "./elements.js";
import { call, onSecretNeeded, openEvents, takeKey } from "./emulator.js";
import { FunctionList } from "./function_list.js";
import { JobLog } from "./job_log.js";
import { JobTable } from "./job_table.js";
import { functionPath, hashOf, isAddressable, readPlace } from "./place.js";
import { RequestLog } from "./request_log.js";
import { switchLanguage, text, translatePage } from "./texts.js";
import { renderTheme, switchTheme } from "./theme.js";

const MEMORY_MB = { P_FREE: 128, P_PERSONAL: 256 };
const EXAMPLE = `exports.main = async function (event) {
  console.log('called with', event.data)
  return { greeting: 'hello, ' + (event.data.name || 'world') }
}
`;
const OTHER = "other";

class Page {
  constructor() {
    this.place = readPlace();
    this.fail = (error) => {
      // If there is no answer, the state in the page's head shows it.
      if (error.status !== 0) notify("error", { reason: error.message }, { error: true });
      if (error.status === undefined) console.error(error);
    };
    this.shown = null;
    this.instance = null;
    this.reads = 0;
    this.token = "…";
    this.environments = [""];
    this.connection = ["connecting", {}];
    this.list = new FunctionList(this, () => this.showPlace());
    this.editor = new CodeEditor(this, () => this.list.render());
    this.form = new CallForm(this, (job) => {
      this.jobs.take(job);
      this.go({ job: job.id }, { replace: true });
    });
    this.jobs = new JobTable(this);
    this.log = new JobLog(this, this.form);
    this.requests = new RequestLog();
    byId("language").addEventListener("click", () => {
      switchLanguage();
      this.translate();
    });
    byId("theme").addEventListener("click", switchTheme);
    byId("skip").addEventListener("click", () => byId("main").focus());
    byId("back").addEventListener("click", () => this.go({ function: null, job: null }));
    byId("new-function").addEventListener("click", () => this.create().catch(this.fail));
    byId("delete").addEventListener("click", () => this.remove().catch(this.fail));
    byId("environment").addEventListener("change", () => this.chooseEnvironment().catch(this.fail));
    window.addEventListener("hashchange", () => (takeKey() ? location.reload() : this.moved()));
    onSecretNeeded((what, wrong) => {
      const [title, message, label, problem] =
        what === "key" ? ["keyTitle", "keyText", "key", "keyWrong"] : ["tokenTitle", "tokenText", "token", "tokenWrong"];
      return ask({
        title: text(title),
        message: text(message),
        label: text(label),
        confirm: text("signIn"),
        secret: true,
        problem: wrong ? text(problem) : "",
      });
    });
    this.translate();
  }

  hasDraft(name) {
    return this.editor?.hasDraft(name) ?? false;
  }

  // The location in the page

  go(changes, { replace = false } = {}) {
    const hash = hashOf({ ...this.place, ...changes });
    if (hash === (location.hash || "#")) return;
    if (replace) history.replaceState(null, "", hash);
    else history.pushState(null, "", hash);
    this.moved({ chosen: !replace });
  }

  /** Shows what the address names. `chosen` says whether the user went there, rather than a call. */
  moved({ chosen = true } = {}) {
    const before = this.place;
    this.place = readPlace();
    if (before.environment !== this.place.environment) {
      this.list.functions = [];
      this.list.known = false;
      this.shown = null;
      this.list.read().catch(this.fail);
      this.renderEnvironments();
    } else {
      this.showPlace();
    }
    this.list.render();
    const narrow = matchMedia("(max-width: 1100px)").matches;
    if (before.function !== this.place.function) scrollTo({ top: 0 });
    // On a narrow screen the log is far below the chosen row.
    else if (narrow && chosen && this.place.job !== null) byId("log-card").scrollIntoView({ block: "start" });
  }

  /** Shows the function and the job of the place. */
  showPlace() {
    const { function: name, job } = this.place;
    const found = name === null ? null : this.list.find(name);
    document.body.dataset.at = name === null ? "list" : "function";
    document.title = name === null ? text("title") : `${name} · ${text("title")}`;
    byId("function").hidden = !found;
    byId("welcome").hidden = Boolean(found) || !this.list.known;
    if (!found || !isAddressable(name)) {
      this.shown = null;
      byId("function").hidden = true;
      if (this.list.known) this.welcome(name, found);
      return;
    }
    const key = JSON.stringify([this.place.environment, name, found.id]);
    if (this.shown?.key !== key) {
      this.shown = { key, job: undefined, version: null };
      this.form.show();
      this.jobs.clear();
      this.jobs.read().catch(this.fail);
    }
    const version = JSON.stringify(found) + this.reads;
    if (this.shown.version !== version) {
      this.shown.version = version;
      this.readCode(found).catch(this.fail);
    }
    this.describe(found);
    if (this.shown.job !== job) {
      this.shown.job = job;
      this.jobs.render();
      this.log.show(job).catch(this.fail);
    }
  }

  async readCode({ name }) {
    const { shown } = this;
    const found = await call("GET", functionPath(name), { query: { environment: this.place.environment } });
    if (this.shown === shown) this.editor.show(found);
  }

  describe(found) {
    byId("function-name").textContent = found.name;
    byId("stub-note").hidden = !found.stub;
    const facts = [
      text("factMemory", { plan: found.plan_circle, megabytes: MEMORY_MB[found.plan_circle] ?? "?" }),
      text("factUpdated", { time: formatTime(found.updated_at, { fraction: false }) }),
    ];
    if (found.remark) facts.push(found.remark);
    byId("function-facts").textContent = facts.join(" · ");
  }

  welcome(name, found) {
    const some = this.list.functions.length > 0;
    const card = byId("welcome");
    const [title, message] = some ? ["chooseFunction", "chooseFunctionText"] : ["welcome", "welcomeText"];
    card.querySelector("h2").textContent = name === null ? text(title) : text("missing", { name });
    byId("welcome-text").textContent =
      name === null ? text(message) : found ? text("unreachableName", { name }) : text("missingText");
    byId("welcome-sample").hidden = name !== null;
    byId("welcome-sample").textContent = `export MINCLOUD_BASE_URL=${location.origin}\nexport MINCLOUD_ACCESS_TOKEN=${this.token}`;
  }

  renderEnvironments() {
    const { environment } = this.place;
    const known = [...new Set([...this.environments, environment])].sort();
    byId("environment").replaceChildren(
      ...known.map((id) =>
        element("option", { value: `=${id}`, selected: id === environment }, id || text("production")),
      ),
      element("option", { value: OTHER }, text("otherEnvironment")),
    );
  }

  translate() {
    translatePage();
    renderTheme();
    byId("language").textContent = document.documentElement.lang === "en" ? "中文" : "English";
    byId("language").lang = document.documentElement.lang === "en" ? "zh-CN" : "en";
    this.renderEnvironments();
    this.renderConnection();
    this.list.render();
    this.editor.render();
    this.jobs.render();
    this.log.render();
    this.requests.render();
    this.showPlace();
    if (this.shown) this.form.check();
  }

  // Actions of the user

  async chooseEnvironment() {
    const { value } = byId("environment");
    let environment = value.slice(1);
    if (value === OTHER) {
      environment = await ask({
        title: text("chooseEnvironment"),
        label: text("environmentId"),
        confirm: text("show"),
      });
    }
    if (environment !== null) this.go({ environment, function: null, job: null });
    this.renderEnvironments();
  }

  async create() {
    const { environment } = this.place;
    const name = await ask({
      title: text("newFunction"),
      message: text("newFunctionText"),
      label: text("functionName"),
      confirm: text("create"),
      check: async (wanted) => {
        if (!isAddressable(wanted)) return text("unreachableName", { name: wanted });
        try {
          const body = JSON.stringify({ function_code: EXAMPLE, new: true });
          await call("PUT", functionPath(wanted), { query: { environment }, body });
          return null;
        } catch (error) {
          return error.message;
        }
      },
    });
    if (name === null) return;
    await this.list.read();
    this.go({ function: name, job: null });
    byId("code").focus();
  }

  async remove() {
    const { environment, function: name } = this.place;
    const confirmed = await ask({
      title: text("deleteTitle", { name }),
      message: text("deleteText"),
      confirm: text("delete"),
      danger: true,
    });
    if (confirmed === null) return;
    await call("DELETE", functionPath(name), { query: { environment } });
    this.editor.forget(name);
    this.go({ function: null, job: null });
    await this.list.read();
    notify("deleted", { name });
    byId("new-function").focus();
  }

  // Events of the emulator

  async follow() {
    for (let pause = 250; ; pause = Math.min(2 * pause, 4000)) {
      let stream = null;
      try {
        stream = await openEvents();
        await this.readAll();
        this.setConnection("connected");
        pause = 250;
        let last = null;
        for await (const event of stream.events) {
          // The emulator drops events for a slow reader; then everything is read again.
          if (event.kind === "reset" || (last !== null && event.number !== last + 1)) await this.readAll();
          if (event.kind === "reset") notify("wasReset");
          last = event.number;
          this.take(event);
        }
        this.setConnection("disconnected");
      } catch (error) {
        if (error.status === undefined) console.error(error);
        this.setConnection(...(error.status ? ["refusedConnection", { reason: error.message }] : ["disconnected"]));
      } finally {
        stream?.close();
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async readAll() {
    await this.readInfo();
    this.reads += 1;
    const { shown } = this;
    await Promise.all([this.list.read(), this.requests.read()]);
    // What is shown for the first time has just been read.
    if (!shown || shown !== this.shown) return;
    await this.jobs.read();
    if (this.place.job !== null) await this.log.read();
  }

  async readInfo() {
    const info = await call("GET", "info");
    this.token = (await call("GET", "token")).access_token;
    const restarted = this.instance !== null && this.instance !== info.instance;
    if (this.connection[0] === "disconnected") notify(restarted ? "restarted" : "reconnected");
    this.instance = info.instance;
    this.jobs.ahead = info.now - Date.now() / 1000;
    this.environments = info.environments;
    this.renderEnvironments();
  }

  take(event) {
    const { data } = event;
    if (event.kind === "request") this.requests.take(event);
    else if (event.kind === "log") this.log.takeLine(event);
    else if (event.kind === "function") {
      if (!this.environments.includes(data.environment)) this.readInfo().catch(this.fail);
      if (data.environment === this.place.environment) this.list.readSoon();
    } else if (event.kind === "job" && this.shown && data.environment === this.place.environment) {
      if (data.function === this.place.function) this.jobs.take(data, event.number);
      this.log.takeJob(data);
    }
  }

  setConnection(state, values = {}) {
    this.connection = [state, values];
    this.renderConnection();
  }

  renderConnection() {
    const [state, values] = this.connection;
    byId("connection").dataset.state = state;
    byId("connection").textContent = text(state, values);
  }
}

takeKey();
new Page().follow();
