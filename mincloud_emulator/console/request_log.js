// The latest requests to the API, newest first.

import { atMostEvery, byId, element, formatDuration, longText, timeElement } from "./elements.js";
import { call } from "./emulator.js";
import { setText, text } from "./texts.js";

const KEPT = 200;

// The requests that open this page are not shown.
const isOfAPI = (request) => request.path !== "/" && request.path !== "/favicon.ico";

const numbered = (event) => ({ ...event.data, number: event.number });

export class RequestLog {
  constructor() {
    this.requests = [];
    // Requests that came while the list was being read; their numbers show which of them are in it.
    this.arrived = [];
    // The number of the latest event that the list includes; earlier ones may still come.
    this.upTo = 0;
    // The elements below the open rows, by the numbers of the requests.
    this.open = new Map();
    this.renderSoon = atMostEvery(60, () => this.render());
  }

  async read() {
    this.arrived = [];
    const answer = await call("GET", "requests");
    const later = this.arrived.filter((event) => event.number > answer.event).map(numbered);
    this.upTo = answer.event;
    this.requests = [...answer.requests, ...later].filter(isOfAPI).reverse();
    this.render();
  }

  take(event) {
    if (!isOfAPI(event.data) || event.number <= this.upTo) return;
    this.arrived.push(event);
    this.arrived.splice(0, this.arrived.length - KEPT);
    this.requests.unshift(numbered(event));
    this.requests.length = Math.min(this.requests.length, KEPT);
    this.renderSoon();
  }

  async toggle({ number }) {
    if (this.open.delete(number)) {
      this.render();
      return;
    }
    const block = element("div", { class: "exchange" });
    this.open.set(number, block);
    this.render();
    try {
      block.replaceChildren(...partsOf(await call("GET", `requests/${number}`)));
    } catch (error) {
      block.replaceChildren(element("p", { class: "hint" }, error.message));
    }
  }

  render() {
    const focused = document.activeElement?.dataset.request;
    byId("no-requests").hidden = this.requests.length > 0;
    const cell = (kind, ...children) => element("td", { role: "cell", class: kind }, ...children);
    byId("request-rows").replaceChildren(
      ...this.requests.flatMap((request) => {
        const tone = request.status === 0 || request.status >= 500 ? "bad" : request.status >= 400 ? "odd" : "good";
        const detail = this.open.get(request.number);
        const row = element(
          "tr",
          { role: "row", class: "request" },
          cell("created", timeElement(request.at)),
          cell("method", request.method),
          cell(
            "path",
            element(
              "button",
              { type: "button", "data-request": request.number, "aria-expanded": String(Boolean(detail)), onclick: () => this.toggle(request) },
              element("bdi", {}, request.path),
            ),
          ),
          cell("environment", element("bdi", {}, request.environment)),
          cell("state", element("span", { class: `status ${tone}` }, request.status === 0 ? text("dropped") : String(request.status))),
          cell("number duration", request.milliseconds < 1000 ? `${request.milliseconds} ms` : formatDuration(request.milliseconds / 1000)),
        );
        return detail ? [row, element("tr", { role: "row", class: "detail" }, element("td", { role: "cell", colspan: "6" }, detail))] : [row];
      }),
    );
    if (focused) byId("request-rows").querySelector(`[data-request="${focused}"]`)?.focus();
  }
}

/** Returns the parts of a request and its answer that are not empty. */
function partsOf(exchange) {
  const headers = (list) => list.map(([name, value]) => `${name}: ${value}`).join("\n");
  const parts = {
    query: exchange.query,
    sentHeaders: headers(exchange.request_headers),
    sentBody: exchange.request_body,
    answeredHeaders: headers(exchange.response_headers),
    answeredBody: exchange.response_body,
  };
  return Object.entries(parts)
    .filter(([, part]) => part)
    .flatMap(([key, part]) => [setText(element("h3"), key), longText(part)]);
}
