// The training: a line for each number, a slider for the epoch, and the losses of that epoch.

// The size of a picture in its own units.
const WIDE = 320, HIGH = 150, LEFT = 44, LOW = 22;

class Curves {
  constructor(section) {
    this.told = page.data.curves;
    const { series, edges } = this.told;
    this.names = Object.keys(series).filter((name) => series[name].some((value) => value !== null));
    this.epochs = Math.max(...this.names.map((name) => series[name].length));
    this.lines = this.names.map((name) => this.line(name, series[name]));
    this.values = page.make("dl", { class: "values", "aria-live": "polite" });
    this.slider = page.make("input", {
      type: "range", min: 1, max: this.epochs, value: this.epochs, id: "epoch", oninput: () => this.at(),
    });
    this.bars = edges.length ? page.make("figure", {}) : null;
    section.append(
      page.make("div", { class: "controls wide" },
        page.field("epoch", this.slider)),
      this.values,
      page.make("div", { class: "figures" }, ...this.lines.map((line) => line.figure), this.bars));
    this.at();
  }

  line(name, values) {
    const known = values.filter((value) => value !== null);
    const low = Math.min(0, ...known), high = Math.max(...known) || 1;
    const x = (at) => LEFT + (at / Math.max(1, this.epochs - 1)) * (WIDE - LEFT - 8);
    const y = (value) => HIGH - LOW - ((value - low) / (high - low || 1)) * (HIGH - LOW - 10);
    let path = "", pen = "M";
    values.forEach((value, at) => {
      if (value === null) pen = "M";
      else [path, pen] = [`${path}${pen}${x(at).toFixed(1)} ${y(value).toFixed(1)}`, "L"];
    });
    const mark = page.svg("line", { y1: 8, y2: HIGH - LOW, class: "mark" });
    const dot = page.svg("circle", { r: 4, class: "dot" });
    const svg = page.svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, "aria-hidden": "true" },
      ...frameOf(low, high, y, 1, this.epochs),
      page.svg("path", { d: path, class: "curve" }), mark, dot);
    const figure = page.make("figure", {}, page.make("figcaption", {}, name), svg);
    return { figure, mark, dot, x, y, values, name };
  }

  // Show the chosen epoch everywhere.
  at() {
    const epoch = Number(this.slider.value);
    this.slider.setAttribute("aria-valuetext", `epoch ${epoch} of ${this.epochs}`);
    const shown = [["epoch", `${epoch} of ${this.epochs}`]];
    for (const { mark, dot, x, y, values, name } of this.lines) {
      const value = values[epoch - 1], at = x(epoch - 1);
      mark.setAttribute("x1", at);
      mark.setAttribute("x2", at);
      dot.setAttribute("visibility", value === null ? "hidden" : "visible");
      if (value !== null) {
        dot.setAttribute("cx", at);
        dot.setAttribute("cy", y(value));
      }
      shown.push([name, value === null ? "none" : Number(value.toPrecision(4)).toString()]);
    }
    this.values.replaceChildren(...shown.map(([name, value]) =>
      page.make("div", {}, page.make("dt", {}, name), page.make("dd", {}, value))));
    if (this.bars) this.histogram(epoch);
  }

  // The losses of the suspects and of all others after the epoch, each as shares of their number.
  histogram(epoch) {
    const { edges, suspects, others } = this.told, row = Math.min(epoch, suspects.length) - 1;
    const parts = [["others", others[row]], ["suspects", suspects[row]]].map(([name, counts]) => {
      const all = counts.reduce((sum, n) => sum + n, 0) || 1;
      return [name, counts.map((n) => n / all)];
    });
    const high = Math.max(...parts.flatMap(([, shares]) => shares)) || 1;
    const y = (share) => HIGH - LOW - (share / high) * (HIGH - LOW - 10);
    const wide = (WIDE - LEFT - 8) / (edges.length - 1);
    const bars = parts.flatMap(([name, shares]) => shares.map((share, at) => page.svg("rect", {
      x: LEFT + at * wide + (name === "suspects" ? wide / 2 : 0), width: wide / 2, y: y(share),
      height: HIGH - LOW - y(share), class: name,
    })));
    const top = Number(edges[edges.length - 1].toPrecision(3));
    this.bars.replaceChildren(
      page.make("figcaption", {}, "losses after this epoch: ", page.make("span", { class: "suspects" }, "suspects"),
        " and ", page.make("span", { class: "others" }, "others")),
      page.svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, "aria-hidden": "true" },
        ...frameOf(0, high, y, 0, top, (share) => `${Math.round(100 * share)}%`), ...bars));
  }
}

function frameOf(low, high, y, first, last, words = (value) => Number(value.toPrecision(3)).toString()) {
  const texts = [high, low].map((value) =>
    page.svg("text", { x: LEFT - 5, y: y(value) + 4, "text-anchor": "end" }, words(value)));
  return [
    page.svg("line", { x1: LEFT, x2: WIDE - 8, y1: HIGH - LOW, y2: HIGH - LOW, class: "base" }),
    page.svg("text", { x: LEFT, y: HIGH - 6 }, String(first)),
    page.svg("text", { x: WIDE - 8, y: HIGH - 6, "text-anchor": "end" }, String(last)),
    ...texts,
  ];
}
