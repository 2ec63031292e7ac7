// How many suspects have a label where another class is suggested; a cell shows them in the gallery.

// The largest number of classes in the table: the most confused ones.
const MOST_CONFUSED = 20;

function confusionTable(section, choose) {
  const pairs = page.data.confusion, names = page.data.classes, totals = new Map();
  for (const [meant, given, n] of pairs) {
    for (const code of [meant, given]) totals.set(code, (totals.get(code) || 0) + n);
  }
  const order = [...totals].sort((a, b) => b[1] - a[1]).slice(0, MOST_CONFUSED).map(([code]) => code);
  order.sort((a, b) => a - b);
  const counts = new Map(pairs.map(([meant, given, n]) => [`${meant},${given}`, n]));
  const most = pairs[0][2];
  const head = page.make("tr", {}, page.make("td", { class: "muted small" }, "suggested ↓  label →"),
    ...order.map((code) => page.user(names[code], "th", { scope: "col" })));
  const rows = order.map((meant) => page.make("tr", {}, page.user(names[meant], "th", { scope: "row" }),
    ...order.map((given) => cellOf(counts.get(`${meant},${given}`) || 0, meant, given))));

  function cellOf(n, meant, given) {
    if (meant === given) return page.make("td", { class: "same" });
    if (!n) return page.make("td", { class: "none" }, "·");
    const what = `${n} labelled ${page.short(names[given])}, suggested ${page.short(names[meant])}`;
    return page.make("td", {}, page.make("button", {
      class: `heat heat${Math.ceil((4 * n) / most)}`, "aria-label": `${what}: show them`,
      onclick: () => choose(names[given], names[meant]),
    }, String(n)));
  }

  const left = totals.size - order.length;
  section.append(
    page.make("p", { class: "muted" }, "The suspects by their label and by the suggested class. Press a number to see them.",
      left > 0 ? ` The ${order.length} classes that are confused most; ${left} more are confused.` : ""),
    page.make("div", { class: "scroll wide", tabindex: "0", role: "region", "aria-label": "Confused classes" },
      page.make("table", { class: "confusion" }, page.make("thead", {}, head), page.make("tbody", {}, ...rows))));
}
