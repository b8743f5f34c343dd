// Colours for JavaScript: Prism tells what is what, and the page makes elements of it, text as text.

/* global Prism */

/** A fragment with the code, each token that Prism names in a `span` of its class. */
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
