// A case as a card: the sample, its labels, the columns that differ, and its neighbours.
// Used by the report and by the review.

// Pictures with fewer pixels a side than this are enlarged without smoothing.
const FEW_PIXELS = 65;

function chance(p) {
  return p > page.data.most ? `> ${Number((100 * page.data.most).toPrecision(4))}%` : page.percent(p);
}

// Return a card. `about` has what a place is, and what was decided about this sample, or "".
function card(item, about) {
  const shown = page.make("article", { class: "card", tabindex: "-1" });
  const parts = [whereOf(item, about), labelsOf(item), contentOf(item.sample), differsOf(item),
    chancesOf(item), neighboursOf(item)];
  shown.append(...parts.filter((part) => part !== null));
  return shown;
}

function whereOf(item, about) {
  const line = item.line === null ? null
    : page.make("span", { class: "muted small" }, `line ${item.line}`);
  return page.make("div", { class: "where" },
    page.make("h3", { class: "place" }, about.place === "file" ? "" : `${about.place} `, page.user(item.sample.place)),
    line,
    item.suspect ? null : page.make("span", { class: "badge doubtful" }, "only doubtful"),
    about.decided ? page.user(about.decided, "span", { class: "badge decided" }) : null,
  );
}

function labelsOf(item) {
  const known = [["label", item.given, "given"], ["suggested", item.suggested, "suggested"]].filter(([, label]) => label);
  const shown = known.flatMap(([name, label, kind]) => [page.make("dt", {}, name), page.user(label, "dd", { class: kind })]);
  if (item.probability !== null) {
    shown.push(page.make("dt", {}, "label wrong"), page.make("dd", {}, chance(item.probability)));
  }
  return shown.length ? page.make("dl", { class: "labels" }, ...shown) : null;
}

function contentOf(sample) {
  const parts = document.createDocumentFragment();
  if (sample.image) parts.append(picture(sample.image, "sample", `image ${sample.place}`));
  if (sample.text) {
    parts.append(page.user(sample.text, "p", { class: "text", tabindex: "0", role: "group", "aria-label": "Text" }, Infinity));
  }
  return parts;
}

// A picture of a data URI; others are not shown.
function picture(source, name, alternative) {
  if (!/^data:image\/(png|jpeg);base64,/.test(source)) return null;
  const image = page.make("img", { class: name, alt: page.short(alternative), src: source });
  image.addEventListener("load", () => {
    if (Math.max(image.naturalWidth, image.naturalHeight) < FEW_PIXELS) image.classList.add("few");
    if (name === "sample" && image.naturalWidth < 160) image.width = 160;
  });
  return image;
}

// The columns that differ most from the nearest samples with the same label, and all the others.
function differsOf(item) {
  if (!item.sample.row.length && !item.differs.length) return null;
  const parts = document.createDocumentFragment();
  if (item.differs.length) {
    parts.append(tableOf(
      ["column", "here", "usual"],
      item.differs,
      page.make("span", {}, "Unlike the nearest samples labelled ", page.user(item.given)),
    ));
  }
  if (item.sample.row.length) {
    const n = item.sample.row.length;
    parts.append(page.make("details", { class: "row" },
      page.make("summary", {}, n === 1 ? "The column" : `All ${n} columns`),
      tableOf(["column", "value"], item.sample.row)));
  }
  return parts;
}

function tableOf(heads, rows, caption = null) {
  const head = page.make("tr", {}, ...heads.map((name) => page.make("th", { scope: "col" }, name)));
  const body = rows.map(([name, ...values]) => page.make("tr", {},
    page.user(name, "th", { scope: "row" }),
    ...values.map((value) => page.user(value, "td"))));
  return page.make("table", {},
    caption === null ? null : page.make("caption", { class: "small muted" }, caption),
    page.make("thead", {}, head), page.make("tbody", {}, ...body));
}

function chancesOf(item) {
  if (!item.probabilities.length) return null;
  const bars = page.make("div", { class: "bars small", role: "group", "aria-label": "Probabilities of the classes" });
  for (const [name, p] of item.probabilities) {
    const own = name === item.given ? " own" : "";
    bars.append(page.user(name, "span"), bar(p, `track${own}`), page.make("span", { class: "number" }, page.percent(p)));
  }
  return bars;
}

function bar(share, name) {
  const svg = page.svg("svg", { viewBox: "0 0 100 1", preserveAspectRatio: "none", "aria-hidden": "true" },
    page.svg("rect", { width: 100 * share, height: 1 }));
  return page.make("span", { class: name }, svg);
}

function neighboursOf(item) {
  if (!item.neighbours.length) return null;
  const texts = item.neighbours.some((each) => each.sample.text) ? "near texts" : "near";
  const list = page.make("ul", { class: texts });
  for (const { sample, label } of item.neighbours) {
    list.append(page.make("li", {},
      sample.image ? picture(sample.image, "near", `image ${sample.place}`) : null,
      page.user(label, "span", { class: label === item.given ? "label given" : "label" }),
      page.user(sample.place, "span", { class: "muted" }),
      sample.text ? page.user(sample.text, "p", { class: "text", tabindex: "0", role: "group", "aria-label": "Text of a neighbour" }) : null));
  }
  return page.make("div", {}, page.make("h4", { class: "small muted" }, "Nearest samples and their labels"), list);
}
