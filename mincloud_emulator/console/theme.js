// The theme of the page: the system's, or light or dark by choice.

import { byId } from "./elements.js";
import { text } from "./texts.js";

const KEY = "theme";
const THEMES = ["system", "light", "dark"];

const chosen = () => (THEMES.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : THEMES[0]);

export function renderTheme() {
  const theme = chosen();
  document.documentElement.dataset.theme = theme;
  const label = text("theme", { theme: text(`theme_${theme}`) });
  byId("theme").title = label;
  byId("theme").setAttribute("aria-label", label);
}

export function switchTheme() {
  localStorage.setItem(KEY, THEMES[(THEMES.indexOf(chosen()) + 1) % THEMES.length]);
  renderTheme();
}
