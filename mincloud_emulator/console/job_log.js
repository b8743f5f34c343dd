// The log of the chosen job, which grows while the job runs.

import { atMostEvery, byId, element } from "./elements.js";
import { call, readText } from "./emulator.js";
import { isFinal } from "./job_table.js";
import { text } from "./texts.js";

const SHOWN_ENTRIES = 2000;
const ENTRY = /^(\d{4}-\d\d-\d\dT\S+Z) (LOG|INFO|WARN|ERROR) /;

export class JobLog {
  /**
   * @param page the page: its `fail` handles errors.
   * @param form the form that calls functions.
   */
  constructor(page, form) {
    this.page = page;
    this.id = null;
    this.entries = [];
    this.shown = 0;
    // Lines that came while the log was being read; their numbers show which of them are in it.
    this.arrived = null;
    // The number of the latest event that the log includes; earlier ones may still come.
    this.upTo = 0;
    this.state = "chooseJob";
    this.turn = 0;
    this.renderSoon = atMostEvery(40, () => this.render());
    byId("save-log").addEventListener("click", () => this.save());
    byId("rerun").addEventListener("click", () => form.rerun(this.id).catch(page.fail));
    byId("edit-data").addEventListener("click", () => form.edit(this.id).catch(page.fail));
  }

  /** Shows the log of a job, null for none. */
  async show(id) {
    this.id = id;
    this.replace([]);
    this.state = id === null ? "chooseJob" : "reading";
    this.render();
    if (id !== null) await this.read();
  }

  async read() {
    const turn = ++this.turn;
    const { id } = this;
    this.arrived = [];
    let job;
    try {
      job = await call("GET", `jobs/${id}`);
    } catch (error) {
      if (error.status !== 404) throw error;
      if (turn !== this.turn) return;
      this.state = "noSuchJob";
      this.render();
      return;
    }
    const ended = isFinal(job);
    const log = ended && !job.has_log ? null : await readText(`jobs/${id}/log`);
    if (turn !== this.turn || id !== this.id) return;
    this.state = log === null ? "noLog" : ended ? "" : "following";
    const entries = log === null ? [] : split(log.text);
    if (!ended) entries.push(...this.arrived.filter((event) => event.number > log.event).map((event) => event.data.line));
    this.arrived = null;
    if (log !== null) this.upTo = log.event;
    this.replace(entries);
    this.render();
  }

  /** Handles an event with a line of a job's log. */
  takeLine(event) {
    if (event.data.job_id !== this.id || this.state === "" || event.number <= this.upTo) return;
    this.arrived?.push(event);
    if (this.state !== "following") return;
    this.entries.push(event.data.line);
    this.renderSoon();
  }

  /** Handles an event with the state of a job; when it has ended, the whole log is read. */
  takeJob(job) {
    if (job.id === this.id && isFinal(job) && this.state !== "") this.read().catch(this.page.fail);
  }

  replace(entries) {
    const same = entries.length === this.entries.length && entries.every((entry, index) => entry === this.entries[index]);
    this.entries = entries;
    if (same) return;
    this.shown = 0;
    byId("log").replaceChildren();
  }

  render() {
    const { id } = this;
    byId("log-title").textContent = id === null ? text("log") : text("logOf", { job: id });
    byId("log-state").textContent = this.state ? text(this.state, { job: id }) : "";
    byId("log-state").classList.toggle("live", this.state === "following");
    for (const button of ["rerun", "edit-data"]) byId(button).hidden = id === null || this.state === "noSuchJob";
    byId("save-log").hidden = this.entries.length === 0;
    const lines = byId("log");
    lines.hidden = this.entries.length === 0 && this.state !== "following";
    const wasAtEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
    const from = Math.max(this.shown, this.entries.length - SHOWN_ENTRIES);
    lines.append(...this.entries.slice(from).map(entryElement));
    this.shown = this.entries.length;
    const left = this.entries.length - SHOWN_ENTRIES;
    if (left > 0) {
      if (!lines.firstChild.classList.contains("cut")) lines.prepend(element("p", { class: "cut hint" }));
      lines.firstChild.textContent = text("logCut", { count: left });
      while (lines.children.length > SHOWN_ENTRIES + 1) lines.children[1].remove();
    }
    if (this.state === "following" && wasAtEnd) lines.scrollTop = lines.scrollHeight;
  }

  save() {
    const address = URL.createObjectURL(new Blob(this.entries.map((entry) => `${entry}\n`), { type: "text/plain" }));
    element("a", { href: address, download: `job-${this.id}.log` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }
}

/** Splits a log into entries: each begins with time and level, and may have several lines. */
function split(log) {
  const entries = [];
  for (const line of log.replace(/\n$/, "").split("\n")) {
    if (ENTRY.test(line) || !entries.length) entries.push(line);
    else entries[entries.length - 1] += `\n${line}`;
  }
  return entries.length === 1 && entries[0] === "" ? [] : entries;
}

function entryElement(entry) {
  const found = ENTRY.exec(entry);
  if (!found) return element("div", { class: "entry" }, entry);
  const [head, time, level] = found;
  return element(
    "div",
    { class: `entry ${level.toLowerCase()}` },
    element("span", { class: "when" }, `${time} `),
    element("span", { class: "level" }, `${level} `),
    entry.slice(head.length),
  );
}
