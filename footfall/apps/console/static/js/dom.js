// Elements from code. Text is only ever set as text, so nothing that a sender wrote can run.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "vars") for (const [key, amount] of Object.entries(value)) element.style.setProperty(key, amount);
    else if (name === "data") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Make an element: h("p", {class: "x", on: {click}, vars: {"--v": 1}}, "text", child). */
export const h = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);

/** Make an SVG element. */
export const s = (tag, properties, ...children) => fill(document.createElementNS(SVG, tag), properties, children);

/** A button that copies a text and says so. */
export function copyButton(text) {
  const button = h("button", { class: "copy", type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select and copy";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1600);
  });
  return button;
}

const WORDS = /(--[^\n]*)|('(?:[^']|'')*')|\b(select|from|where|group|order|by|and|or|not|is|null|as|with|count|distinct|sum|min|max|avg|cast|case|when|then|else|end|over|partition|between|join|left|on|interval|limit|asc|desc|in|union|all|having|coalesce|filter|true|false)\b/gi;

/** SQL with its comments, texts and words in colour. */
export function sqlNodes(text) {
  const nodes = [];
  let last = 0;
  for (const found of text.matchAll(WORDS)) {
    nodes.push(text.slice(last, found.index));
    nodes.push(h("span", { class: found[1] ? "c" : found[2] ? "t" : "w" }, found[0]));
    last = found.index + found[0].length;
  }
  return [...nodes, text.slice(last)];
}
