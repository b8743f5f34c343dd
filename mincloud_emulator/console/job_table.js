// The table of the function's jobs, newest first, which changes with them.

import { atMostEvery, byId, element, formatBytes, formatDuration, timeElement } from "./elements.js";
import { call } from "./emulator.js";
import { hashOf } from "./place.js";
import { text } from "./texts.js";

const PAGE = 50;
const FINAL = new Set(["fulfilled", "schedule_failed", "execution_rejected", "deadline_exceeded", "execution_failed"]);
const TONE = { waiting: "idle", executing: "busy", fulfilled: "good" };

export const isFinal = (job) => FINAL.has(job.status);

export class JobTable {
  /**
   * @param page the page: its `place` and `go(changes)`.
   */
  constructor(page) {
    this.page = page;
    this.jobs = new Map();
    this.rows = new Map();
    this.total = 0;
    this.room = PAGE;
    this.turn = 0;
    // The number of the latest event that the list includes; earlier ones may still come.
    this.upTo = 0;
    // By how many seconds the emulator's clock is ahead of this one.
    this.ahead = 0;
    this.renderSoon = atMostEvery(40, () => this.render());
    // The emulator applies the filters, since it has the logs.
    this.readSoon = atMostEvery(250, () => this.read().catch(page.fail));
    byId("job-status").addEventListener("change", () => this.filter());
    byId("log-filter").addEventListener("input", () => this.readSoon());
    byId("more-jobs").addEventListener("click", () => this.readMore().catch(page.fail));
    setInterval(() => {
      if ([...this.jobs.values()].some((job) => job.status === "executing")) this.render();
    }, 1000);
  }

  /** Clears the table for another function. */
  clear() {
    byId("job-status").value = "";
    byId("log-filter").value = "";
    this.filter({ read: false });
  }

  filter({ read = true } = {}) {
    this.turn += 1;
    this.jobs.clear();
    this.rows.clear();
    this.total = 0;
    this.room = PAGE;
    byId("job-rows").replaceChildren();
    this.render();
    if (read) this.read().catch(this.page.fail);
  }

  get filters() {
    return { status: byId("job-status").value, log: byId("log-filter").value };
  }

  get isFiltered() {
    return Boolean(this.filters.status || this.filters.log);
  }

  async read() {
    const turn = ++this.turn;
    let answer;
    try {
      answer = await this.request(0, this.room);
    } catch (error) {
      // It was just deleted, which the list of functions shows.
      if (error.status === 404) return;
      throw error;
    }
    if (turn !== this.turn) return;
    const kept = this.isFiltered ? new Map() : this.jobs;
    this.jobs = new Map();
    for (const job of answer.jobs) this.jobs.set(job.id, this.later(kept.get(job.id), job));
    // An event may have added a job before the response arrived.
    const newest = Math.max(0, ...this.jobs.keys());
    const later = [...kept.values()].filter((job) => job.id > newest && job.arrivedIn === turn);
    for (const job of later) this.jobs.set(job.id, job);
    this.total = answer.total + later.length;
    this.upTo = answer.event;
    this.render();
  }

  async readMore() {
    const { turn } = this;
    const answer = await this.request(this.jobs.size, PAGE);
    if (turn !== this.turn) return;
    this.room = this.jobs.size + PAGE;
    // These are old jobs; new ones are added and counted by events.
    for (const job of answer.jobs) this.jobs.set(job.id, this.later(this.jobs.get(job.id), job));
    this.render();
  }

  request(offset, limit) {
    const { environment, function: name } = this.page.place;
    const query = { environment, function: name, limit: Math.min(limit, 1000), offset, ...this.filters };
    return call("GET", "jobs", { query });
  }

  /** Handles the state of a job, from an event or from a call whose events are still to come. */
  take(job, number = Infinity) {
    if (number <= this.upTo) return;
    if (this.isFiltered) {
      this.readSoon();
      return;
    }
    if (!this.jobs.has(job.id)) {
      // An old job that is not on the pages that are shown.
      if (job.status !== "waiting" && this.jobs.size && job.id < Math.min(...this.jobs.keys())) return;
      this.total += 1;
    }
    this.jobs.set(job.id, { ...this.later(this.jobs.get(job.id), job), arrivedIn: this.turn });
    this.renderSoon();
  }

  /** Returns the later of two states of a job, since an event may arrive before an earlier response. */
  later(one, other) {
    if (!one) return other;
    const rank = (job) => (isFinal(job) ? 2 : job.status === "executing" ? 1 : 0);
    return rank(one) > rank(other) ? one : other;
  }

  find(id) {
    return this.jobs.get(id);
  }

  render() {
    const ordered = [...this.jobs.values()].sort((one, other) => other.id - one.id);
    // Load tests create thousands: the oldest are removed, and the button shows them again.
    for (const job of ordered.splice(this.room)) this.jobs.delete(job.id);
    byId("job-count").textContent = this.total ? text("jobCount", { total: this.total.toLocaleString() }) : "";
    byId("no-jobs").hidden = this.total > 0;
    byId("no-jobs").textContent = text(this.isFiltered ? "noSuchJobs" : "noJobs");
    this.renderStatuses();
    byId("more-jobs").hidden = this.jobs.size >= this.total;
    const body = byId("job-rows");
    for (const [id, row] of this.rows) {
      if (!this.jobs.has(id)) {
        row.remove();
        this.rows.delete(id);
      }
    }
    let before = body.firstChild;
    for (const job of ordered) {
      let row = this.rows.get(job.id);
      if (!row) {
        row = element("tr", { role: "row", onclick: (event) => this.clicked(event, job.id) });
        this.rows.set(job.id, row);
      }
      this.fill(row, job);
      if (row === before) before = row.nextSibling;
      else body.insertBefore(row, before);
    }
  }

  renderStatuses() {
    const select = byId("job-status");
    const { value } = select;
    const statuses = ["waiting", "executing", ...FINAL];
    select.replaceChildren(
      element("option", { value: "" }, text("anyStatus")),
      ...statuses.map((status) => element("option", { value: status }, text(status))),
    );
    select.value = value;
  }

  fill(row, job) {
    const selected = this.page.place.job === job.id;
    row.toggleAttribute("data-selected", selected);
    const state = JSON.stringify([job, this.page.place, document.documentElement.lang, job.status === "executing" && Date.now()]);
    if (row.state === state) return;
    row.state = state;
    const cell = (kind, ...children) => element("td", { role: "cell", class: kind }, ...children);
    const focused = row.contains(document.activeElement);
    row.replaceChildren(
      cell(
        "id",
        element("a", { href: hashOf({ ...this.page.place, job: job.id }), "aria-current": selected ? "true" : null }, String(job.id)),
      ),
      cell("state", element("span", { class: `status ${TONE[job.status] ?? "bad"}`, "data-status": job.status }, text(job.status))),
      cell("source", job.source),
      cell("kind", text(job.service_type)),
      cell("created", timeElement(job.created_at)),
      cell("number duration", this.duration(job)),
      cell("number memory", job.mem_usage ? formatBytes(job.mem_usage) : ""),
    );
    if (focused) row.querySelector("a").focus();
  }

  duration(job) {
    if (job.started_at === null) return "";
    const end = job.finished_at ?? (isFinal(job) ? null : Date.now() / 1000 + this.ahead);
    return end === null ? "" : formatDuration(Math.max(0, end - job.started_at));
  }

  clicked(event, id) {
    // Selecting text to copy it must not choose another job.
    if (event.target.closest("a") || !getSelection().isCollapsed) return;
    this.page.go({ job: id });
  }
}
