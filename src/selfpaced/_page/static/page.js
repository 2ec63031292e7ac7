// What every page shares: its data, its arrays, and elements whose texts are never HTML.
"use strict";
const page = {
  data: JSON.parse(document.getElementById("data").textContent),

  // Values of the page by name that are held as bytes of JSON; null if it has none of this name.
  async values(name) {
    const bytes = await page.array(name);
    return bytes === null ? null : JSON.parse(new TextDecoder().decode(bytes));
  },

  // Numbers of the page by name, as a typed array; null if the page has none of this name.
  async array(name) {
    const block = document.getElementById("array-" + name);
    if (block === null) return null;
    const types = {
      uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array,
      uint32: Uint32Array, int32: Int32Array, float32: Float32Array,
    };
    const packed = Uint8Array.from(atob(block.textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = await new Response(stream).arrayBuffer();
    return new types[block.dataset.type](bytes);
  },

  // An element with attributes and children; a child that is a text stays a text.
  make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) {
        element.setAttribute(name, value);
      }
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  },

  // An element of SVG with attributes and children.
  svg(tag, attributes = {}, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  },

  // An input with its name above it.
  field(name, input) {
    page.fields = (page.fields || 0) + 1;
    input.id = input.id || `field-${page.fields}`;
    return page.make("div", { class: "field" }, page.make("label", { for: input.id }, name), input);
  },

  // A text of the user: control characters and marks of direction are written out, and its
  // direction does not change that of the text around it. A longer one is cut.
  user(text, tag = "bdi", attributes = {}, longest = 1000) {
    const all = String(text), rest = all.length - longest;
    const shown = rest > 0 ? `${all.slice(0, longest)}… (${rest} more letters)` : all;
    return page.make(tag, { dir: "auto", ...attributes }, page.visible(shown));
  },

  // A text of the user for a line: its first letters.
  short(text, longest = 80) {
    const all = String(text);
    return page.visible(all.length > longest ? `${all.slice(0, longest - 1)}…` : all);
  },

  visible(text) {
    return String(text).replace(
      /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
      (letter) => "\\u" + letter.charCodeAt(0).toString(16).padStart(4, "0"),
    );
  },

  // What is said of samples of the list that the page does not have; "" for none.
  furtherOnes() {
    const n = page.data.more;
    return n ? ` The list has ${n} further ${n === 1 ? "sample" : "samples"} that this page does not have.` : "";
  },

  percent(share) {
    return (100 * share).toFixed(1) + "%";
  },
};
