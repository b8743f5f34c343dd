// The latest requests to the API, newest first.

import { atMostEvery, byId, element, momentElement, span } from "./elements.js";
import { call } from "./emulator.js";
import { text } from "./texts.js";

const KEPT = 200;

// That this page was opened is no news on it.
const isOfAPI = (request) => request.path !== "/";

export class RequestLog {
  constructor() {
    this.requests = [];
    // What came while the list was being read: some of it is in the list, which the numbers tell.
    this.arrived = [];
    // The number of the latest event that is in what was read: it and those before it may still come.
    this.upTo = 0;
    this.renderSoon = atMostEvery(60, () => this.render());
  }

  async read() {
    this.arrived = [];
    const answer = await call("GET", "requests");
    const later = this.arrived.filter((event) => event.number > answer.event).map((event) => event.data);
    this.upTo = answer.event;
    this.requests = [...answer.requests, ...later].filter(isOfAPI).reverse();
    this.render();
  }

  take(event) {
    if (!isOfAPI(event.data) || event.number <= this.upTo) return;
    this.arrived.push(event);
    this.arrived.splice(0, this.arrived.length - KEPT);
    this.requests.unshift(event.data);
    this.requests.length = Math.min(this.requests.length, KEPT);
    this.renderSoon();
  }

  render() {
    byId("no-requests").hidden = this.requests.length > 0;
    const cell = (kind, ...children) => element("td", { role: "cell", class: kind }, ...children);
    byId("request-rows").replaceChildren(
      ...this.requests.map((request) => {
        const tone = request.status === 0 || request.status >= 500 ? "bad" : request.status >= 400 ? "odd" : "good";
        return element(
          "tr",
          { role: "row" },
          cell("created", momentElement(request.at)),
          cell("method", request.method),
          cell("path", element("bdi", {}, request.path)),
          cell("environment", element("bdi", {}, request.environment)),
          cell("state", element("span", { class: `status ${tone}` }, request.status === 0 ? text("dropped") : String(request.status))),
          cell("number duration", request.milliseconds < 1000 ? `${request.milliseconds} ms` : span(request.milliseconds / 1000)),
        );
      }),
    );
  }
}
