// The editor of a function's code. Drafts, which are not deployed yet, are kept until the page is closed.

import { difference } from "./difference.js";
import { atMostEvery, byId, element, notify } from "./elements.js";
import { call } from "./emulator.js";
import { highlight } from "./highlight.js";
import { functionPath } from "./place.js";
import { setText, text } from "./texts.js";

// Longer code is shown without colours, and compared only on request.
const COLOURED_CHARACTERS = 200_000;

export class CodeEditor {
  /**
   * @param page the page: its `place`.
   * @param onDraft called when a draft is created or discarded.
   */
  constructor(page, onDraft) {
    this.page = page;
    this.onDraft = onDraft;
    this.drafts = new Map();
    this.deployed = null;
    this.readOnly = true;
    this.area = byId("code");
    this.lines = 0;
    this.area.addEventListener("input", () => this.edited());
    this.showsChanges = false;
    this.colourSoon = atMostEvery(60, () => this.colour());
    this.area.addEventListener("scroll", () => this.scroll());
    byId("changes").addEventListener("click", () => {
      this.showsChanges = !this.showsChanges;
      this.renderChanges();
    });
    this.area.addEventListener("keydown", (event) => this.keyPressed(event));
    this.area.addEventListener("focus", () => (this.leaving = false));
    byId("discard").addEventListener("click", () => this.discard());
    byId("code-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.deploy().catch(page.fail);
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.drafts.size) event.preventDefault();
    });
  }

  hasDraft(name) {
    return this.drafts.has(this.key(name));
  }

  key(name = this.page.place.function) {
    return JSON.stringify([this.page.place.environment, name]);
  }

  /** Shows a function's draft, or else its deployed code. */
  show(found) {
    const shown = this.key();
    const draft = this.drafts.get(shown);
    this.deployed = found.function_code;
    byId("syntax-note").hidden = !found.syntax;
    if (found.syntax) setText(byId("syntax-note"), "syntaxNote", { note: found.syntax });
    this.readOnly = found.stub;
    if (draft?.code === this.deployed) this.drafts.delete(shown);
    const code = this.drafts.get(shown)?.code ?? this.deployed;
    // Setting the same text would move the cursor and delete the undo history.
    if (this.area.value !== code || this.shown !== shown) this.area.value = code;
    this.shown = shown;
    this.area.readOnly = this.readOnly;
    this.render();
  }

  edited() {
    const had = this.drafts.has(this.shown);
    const base = this.drafts.get(this.shown)?.base ?? this.deployed;
    if (this.area.value === this.deployed) this.drafts.delete(this.shown);
    else this.drafts.set(this.shown, { code: this.area.value, base });
    this.render();
    if (had !== this.drafts.has(this.shown)) this.onDraft();
  }

  discard() {
    this.drafts.delete(this.shown);
    this.area.value = this.deployed;
    this.render();
    this.onDraft();
    this.area.focus();
  }

  async deploy() {
    if (this.readOnly || !this.drafts.has(this.shown)) return;
    const { shown } = this;
    const { environment, function: name } = this.page.place;
    const code = this.area.value;
    const button = byId("deploy");
    button.disabled = true;
    try {
      const deployed = await call("PUT", functionPath(name), {
        query: { environment },
        body: JSON.stringify({ function_code: code }),
      });
      const what = { created: "actionCreated", updated: "actionUpdated", unchanged: "actionUnchanged" }[deployed.action];
      notify("named", { name, what: () => text(what) });
      // What was typed meanwhile stays as a draft.
      if (this.drafts.get(shown)?.code === code) this.drafts.delete(shown);
      else if (this.drafts.has(shown)) this.drafts.get(shown).base = code;
      if (this.shown === shown) this.deployed = code;
      this.onDraft();
    } finally {
      this.render();
    }
  }

  forget(name) {
    this.drafts.delete(this.key(name));
  }

  render() {
    const draft = this.drafts.get(this.shown);
    byId("code-state").textContent = draft ? text("edited") : "";
    byId("discard").hidden = !draft;
    byId("deploy").disabled = !draft || this.readOnly;
    byId("deploy").classList.toggle("primary", Boolean(draft));
    byId("changed-elsewhere").hidden = !draft || draft.base === this.deployed;
    byId("changes").hidden = !draft;
    this.renderChanges();
    this.colourSoon();
    const lines = this.area.value.split("\n").length;
    if (lines === this.lines) return;
    this.lines = lines;
    byId("gutter").textContent = Array.from({ length: lines }, (_, index) => index + 1).join("\n");
    this.area.style.setProperty("--lines", Math.min(lines, 30));
  }

  scroll() {
    // The scroll bars belong to the text area.
    const { area } = this;
    byId("colours").style.right = `${area.offsetWidth - area.clientWidth}px`;
    byId("colours").style.bottom = `${area.offsetHeight - area.clientHeight}px`;
    byId("gutter").scrollTop = this.area.scrollTop;
    byId("colours").scrollTop = this.area.scrollTop;
    byId("colours").scrollLeft = this.area.scrollLeft;
  }

  colour() {
    const code = this.area.value;
    const coloured = code.length <= COLOURED_CHARACTERS;
    // The last line needs something on it, or the block is a line shorter than the text area.
    byId("colours").replaceChildren(coloured ? highlight(`${code}\n`) : "");
    byId("editor").classList.toggle("coloured", coloured);
    this.scroll();
  }

  renderChanges() {
    const draft = this.drafts.get(this.shown);
    const shown = this.showsChanges && Boolean(draft);
    byId("changes").setAttribute("aria-expanded", shown);
    byId("difference").hidden = !shown;
    if (!shown) return;
    const mark = { same: "  ", old: "- ", new: "+ " };
    byId("difference").replaceChildren(
      ...difference(this.deployed, draft.code).map(({ kind, line, count }) =>
        kind === "cut"
          ? element("div", { class: "cut hint" }, text("cut", { count }))
          : element("div", { class: kind }, `${mark[kind]}${line}`),
      ),
    );
  }

  keyPressed(event) {
    if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.deploy().catch(this.page.fail);
    } else if (event.key === "Escape") {
      // The next Tab leaves the editor, so that it can be left with the keyboard.
      this.leaving = true;
    } else if (event.key === "Tab" && !event.shiftKey && !event.ctrlKey && !event.altKey && !this.leaving && !this.readOnly) {
      event.preventDefault();
      // The only way of inserting text that can be undone.
      document.execCommand("insertText", false, "  ");
    }
  }
}
