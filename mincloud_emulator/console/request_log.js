// The latest requests to the API, newest first.

import { atMostEvery, byId, element, longText, momentElement, span } from "./elements.js";
import { call } from "./emulator.js";
import { say, text } from "./texts.js";

const KEPT = 200;

// That this page was opened is no news on it.
const isOfAPI = (request) => request.path !== "/" && request.path !== "/favicon.ico";

const numbered = (event) => ({ ...event.data, number: event.number });

export class RequestLog {
  constructor() {
    this.requests = [];
    // What came while the list was being read: some of it is in the list, which the numbers tell.
    this.arrived = [];
    // The number of the latest event that is in what was read: it and those before it may still come.
    this.upTo = 0;
    // What is shown below the rows that are open: elements by the numbers of the requests.
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
          cell("created", momentElement(request.at)),
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
          cell("number duration", request.milliseconds < 1000 ? `${request.milliseconds} ms` : span(request.milliseconds / 1000)),
        );
        return detail ? [row, element("tr", { role: "row", class: "detail" }, element("td", { role: "cell", colspan: "6" }, detail))] : [row];
      }),
    );
    if (focused) byId("request-rows").querySelector(`[data-request="${focused}"]`)?.focus();
  }
}

/** What a request sent and was answered, without what is empty. */
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
    .flatMap(([key, part]) => [say(element("h3"), key), longText(part)]);
}
