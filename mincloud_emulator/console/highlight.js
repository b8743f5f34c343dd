// Highlights JavaScript: Prism finds the tokens, which become elements here, never HTML.

/* global Prism */

/** Returns a fragment with the code, each of Prism's tokens in a `span` with a class. */
export function highlight(code) {
  const made = document.createDocumentFragment();
  made.append(...Prism.tokenize(code, Prism.languages.javascript).map(nodeOf));
  return made;
}

function nodeOf(token) {
  if (typeof token === "string") return token;
  const span = document.createElement("span");
  span.className = `t-${token.type}`;
  span.append(...[token.content].flat().map(nodeOf));
  return span;
}
