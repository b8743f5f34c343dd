// The functions of an environment, by name.

import { atMostEvery, byId, element } from "./elements.js";
import { call } from "./emulator.js";
import { hashOf } from "./place.js";
import { text } from "./texts.js";

const PAGE = 1000;

export class FunctionList {
  /**
   * @param page the page: its `place`, and `hasDraft(name)`.
   * @param onRead called after the list was read.
   */
  constructor(page, onRead) {
    this.page = page;
    this.onRead = onRead;
    this.functions = [];
    this.known = false;
    this.reading = 0;
    this.readSoon = atMostEvery(150, () => this.read().catch(page.fail));
    byId("filter").addEventListener("input", () => this.render());
  }

  async read() {
    const turn = ++this.reading;
    const { environment } = this.page.place;
    const functions = [];
    for (let total = Infinity; functions.length < total; ) {
      const answer = await call("GET", "functions", { query: { environment, limit: PAGE, offset: functions.length } });
      // A later reading has finished before this one.
      if (turn !== this.reading) return;
      functions.push(...answer.functions);
      total = answer.functions.length ? answer.total : 0;
    }
    // If a function was created between two pages, another one is on both.
    this.functions = [...new Map(functions.map((found) => [found.name, found])).values()];
    this.functions.sort((one, other) => one.name.localeCompare(other.name));
    this.known = true;
    this.render();
    this.onRead();
  }

  find(name) {
    return this.functions.find((found) => found.name === name);
  }

  render() {
    const { place } = this.page;
    const filter = byId("filter");
    const wanted = filter.value.trim().toLowerCase();
    const shown = this.functions.filter((found) => found.name.toLowerCase().includes(wanted));
    filter.hidden = this.functions.length < 8 && !wanted;
    byId("function-count").hidden = !wanted;
    byId("function-count").textContent = text("functionCount", { shown: shown.length, total: this.functions.length });
    const items = shown.map((found) =>
      element(
        "li",
        {},
        element(
          "a",
          {
            href: hashOf({ environment: place.environment, function: found.name, job: null }),
            "aria-current": found.name === place.function ? "page" : null,
          },
          element("bdi", { class: "name" }, found.name),
          found.stub ? element("span", { class: "badge" }, text("stub")) : null,
          this.page.hasDraft(found.name) ? element("span", { class: "badge draft" }, text("unsaved")) : null,
        ),
      ),
    );
    const list = byId("function-list");
    const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    list.replaceChildren(...items);
    if (focused !== null) [...list.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
  }
}
