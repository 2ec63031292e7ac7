// The map of all samples: colours, a lasso, and a list of the chosen samples that can be saved.

// Colours of classes that can be told apart with any eyes; further classes are grey.
const CLASS_COLOURS = {
  light: ["#0072b2", "#d55e00", "#009e73", "#b4568c", "#8a6d00", "#56b4e9", "#5b3fa8", "#8c2d04"],
  dark: ["#56b4e9", "#e69f00", "#3fc79a", "#e48ec0", "#f0e442", "#9ad1f5", "#b49cf0", "#ff8a5c"],
};
const RAMP = {
  light: ["#d6dde3", "#b3c6d6", "#f0c9a6", "#e59a5f", "#d0661f", "#a63c00"],
  dark: ["#39424d", "#4d6273", "#8a6a3f", "#c0832f", "#e69f2f", "#ffc766"],
};
// The largest number of chosen samples that are listed.
const MOST_LISTED = 100;
// How far the keys move the map, in pixels.
const STRIDE = 60;

class SampleMap {
  static async of(section) {
    const map = new SampleMap();
    map.told = page.data.map;
    map.section = section;
    const names = ["given", "suggested", "probability", "suspect"];
    for (const name of names) map[name] = await page.array(name);
    map.places = map.told.places.kind === "texts" ? await page.values("places") : await page.array("places");
    map.build();
    await map.choose(0);
    return map;
  }

  place(i) {
    return this.told.places.kind === "counted" ? this.told.places.first + i : this.places[i];
  }

  label(codes, i) {
    const name = this.told.names[codes[i]];
    return name === undefined ? "none" : name;
  }

  chanceOf(i) {
    return this.probability[i] === 255 ? "not judged" : chance(this.probability[i] / 254);
  }

  build() {
    const { told } = this;
    this.canvas = page.make("canvas", {
      tabindex: "0", role: "img", "aria-describedby": "map-keys",
      "aria-label": `Map of ${told.n} samples, ${this.suspect.reduce((sum, one) => sum + one, 0)} of them suspects`,
    });
    this.about = page.make("p", { class: "muted" });
    this.tip = page.make("div", { class: "tip", hidden: true });
    this.box = page.make("div", { class: "plane" }, this.canvas, this.tip);
    this.legend = page.make("ul", { class: "legend" });
    this.chosen = page.make("div", { class: "chosen", "aria-live": "polite" });
    this.section.append(this.controls(), this.about, this.box, this.legend,
      page.make("p", { class: "muted small", id: "map-keys" },
        "Drag to move, turn the wheel to zoom; with the keyboard: arrows, ", page.make("kbd", {}, "+"), " ",
        page.make("kbd", {}, "−"), " ", page.make("kbd", {}, "0"), ", and ", page.make("kbd", {}, "Enter"),
        " selects what is in view. Hold ", page.make("kbd", {}, "Shift"), " to draw a lasso."),
      this.chosen);
    this.plane = new Plane(this.canvas);
    this.listen();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.colour());
    for (const [name, isPaper] of [["beforeprint", true], ["afterprint", false]]) {
      window.addEventListener(name, () => {
        document.documentElement.classList.toggle("paper", isPaper);
        this.colour();
      });
    }
  }

  controls() {
    const { told } = this;
    const option = (value, name) => page.make("option", { value }, name);
    this.which = page.make("select", { onchange: () => this.choose(Number(this.which.value)) },
      ...told.maps.map((map, at) => option(at, map.name)));
    const ways = [["suspect", "suspects"], ["probability", "probability that the label is wrong"]];
    if (told.names.length) ways.push(["given", "label"], ["suggested", "suggested label"]);
    this.by = page.make("select", { onchange: () => this.colour() }, ...ways.map(([value, name]) => option(value, name)));
    this.drawing = page.make("button", {
      "aria-pressed": "false",
      onclick: () => {
        const on = this.drawing.getAttribute("aria-pressed") !== "true";
        this.drawing.setAttribute("aria-pressed", String(on));
        this.box.classList.toggle("drawing", on);
      },
    }, "Lasso");
    const button = (name, act, label) => page.make("button", { onclick: act, "aria-label": label || null }, name);
    return page.make("div", { class: "controls", role: "group", "aria-label": "Map" },
      told.maps.length > 1 ? page.field("map", this.which) : null, page.field("colour", this.by), this.drawing,
      button("+", () => this.zoom(1.6), "Zoom in"), button("−", () => this.zoom(1 / 1.6), "Zoom out"),
      button("Reset", () => this.reset()));
  }

  async choose(at) {
    const map = this.told.maps[at], { told } = this;
    const [across, up] = [await page.array(`across${at}`), await page.array(`up${at}`)];
    const order = Uint32Array.from([...Array(told.n).keys()].sort((i, j) => this.suspect[i] - this.suspect[j]));
    const part = told.total > told.n
      ? ` The map shows ${told.n} of ${told.total} samples: suspects, half of the places at most, and others that were drawn at random.` : "";
    this.about.textContent = map.about + part;
    this.plane.show(across, up, order, map);
    this.colour();
  }

  colour() {
    const dark = scheme();
    const style = getComputedStyle(this.canvas), value = (name) => style.getPropertyValue(name).trim();
    const by = this.by.value, n = this.told.n, codes = new Uint8Array(n);
    let palette = [], legend = [];
    if (by === "suspect") {
      palette = [dark === "dark" ? "#5f7f99" : "#8fb0c9", value("--orange")];
      codes.set(this.suspect);
      legend = [["others", palette[0]], ["suspects, larger", palette[1]]];
    } else if (by === "probability") {
      palette = RAMP[dark];
      for (let i = 0; i < n; i++) codes[i] = this.probability[i] === 255 ? 0 : Math.min(5, Math.floor((this.probability[i] / 255) * 6));
      legend = palette.map((colour, at) => [`${Math.round((at * 100) / 6)}–${Math.round(((at + 1) * 100) / 6)}%`, colour]);
    } else {
      const colours = CLASS_COLOURS[dark], own = this[by], frequent = this.frequent(own, colours.length);
      palette = [...colours, value("--muted")];
      const place = new Map(frequent.map((code, at) => [code, at]));
      for (let i = 0; i < n; i++) codes[i] = place.has(own[i]) ? place.get(own[i]) : colours.length;
      legend = frequent.map((code, at) => [page.short(this.told.names[code]), colours[at]]);
      if (this.told.names.length > frequent.length) legend.push(["all others", palette[colours.length]]);
    }
    this.base = { codes, palette };
    this.legend.replaceChildren(...legend.map(([name, colour]) => page.make("li", {}, swatch(colour), page.user(name))));
    this.repaint();
  }

  // Samples that are not chosen fade while some are.
  repaint() {
    const { codes, palette } = this.base, dark = scheme() === "dark";
    if (!this.picked || !this.picked.length) {
      this.plane.paint(codes, palette, this.suspect);
    } else {
      const faded = new Uint8Array(codes.length).fill(palette.length);
      for (const i of this.picked) faded[i] = codes[i];
      this.plane.paint(faded, [...palette, dark ? "#2a3038" : "#e6e9ec"], this.suspect);
    }
    this.plane.draw();
  }

  frequent(codes, most) {
    const counts = new Array(this.told.names.length).fill(0);
    for (const code of codes) if (code < counts.length) counts[code]++;
    const order = [...counts.keys()].sort((a, b) => counts[b] - counts[a]);
    return order.slice(0, most).filter((code) => counts[code] > 0);
  }

  zoom(factor, px, py) {
    this.plane.zoom(factor, px, py);
    this.later();
  }

  reset() {
    this.plane.home();
    this.pick([]);
  }

  // Draw once before the next frame, however many events come.
  later() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.plane.draw();
    });
  }

  listen() {
    const { canvas } = this, fingers = new Map();
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 400), ...at(event));
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, at(event));
      const lasso = event.shiftKey || this.drawing.getAttribute("aria-pressed") === "true";
      if (lasso && fingers.size === 1) this.plane.lasso = [at(event)];
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return this.hover(...at(event));
      this.drag(fingers, event.pointerId, at(event));
    });
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => {
        fingers.delete(event.pointerId);
        if (this.plane.lasso) this.close();
      });
    }
    canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  drag(fingers, which, now) {
    const before = fingers.get(which);
    this.tip.hidden = true;
    if (this.plane.lasso) {
      this.plane.lasso.push(now);
    } else if (fingers.size === 2) {
      const other = [...fingers].find(([id]) => id !== which)[1];
      const wide = (one) => Math.hypot(one[0] - other[0], one[1] - other[1]) || 1;
      this.plane.zoom(wide(now) / wide(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    } else {
      this.plane.move(now[0] - before[0], now[1] - before[1]);
    }
    fingers.set(which, now);
    this.later();
  }

  close() {
    const polygon = this.plane.lasso;
    this.plane.lasso = null;
    this.pick(polygon.length > 2 ? this.plane.inside(polygon) : []);
  }

  key(event) {
    const moves = {
      ArrowLeft: [STRIDE, 0], ArrowRight: [-STRIDE, 0], ArrowUp: [0, STRIDE], ArrowDown: [0, -STRIDE],
    };
    if (moves[event.key]) this.plane.move(...moves[event.key]);
    else if (event.key === "+" || event.key === "=") this.plane.zoom(1.4);
    else if (event.key === "-") this.plane.zoom(1 / 1.4);
    else if (event.key === "0") this.plane.home();
    else if (event.key === "Enter") this.pick(this.plane.inside(this.plane.view()));
    else if (event.key === "Escape") this.pick([]);
    else return;
    event.preventDefault();
    this.later();
  }

  hover(px, py) {
    const i = this.plane.near(px, py);
    this.tip.hidden = i < 0;
    if (i < 0) return;
    const labels = this.told.names.length
      ? [page.make("div", {}, "label ", page.user(this.label(this.given, i))),
        page.make("div", {}, "suggested ", page.user(this.label(this.suggested, i)))] : [];
    this.tip.replaceChildren(
      page.user(this.place(i), "strong"), ...labels,
      page.make("div", {}, `label wrong: ${this.chanceOf(i)}`));
    const [x, y] = this.plane.toPage(this.plane.across[i], this.plane.up[i]);
    this.tip.style.left = `${Math.min(x + 12, this.plane.width - 200)}px`;
    this.tip.style.top = `${Math.max(0, y - 20)}px`;
  }

  // Choose samples: list them, most suspicious first, and offer their places as a file.
  pick(which) {
    const score = (i) => (this.probability[i] === 255 ? -1 : this.probability[i]);
    this.picked = which.sort((i, j) => score(j) - score(i) || i - j);
    this.repaint();
    if (!which.length) return this.chosen.replaceChildren();
    const suspects = which.filter((i) => this.suspect[i]).length;
    const listed = this.picked.slice(0, MOST_LISTED);
    const names = this.told.names.length > 0;
    const heads = [page.data.place, ...(names ? ["label", "suggested"] : []), "label wrong"];
    const rows = listed.map((i) => [
      this.place(i), ...(names ? [this.label(this.given, i), this.label(this.suggested, i)] : []), this.chanceOf(i)]);
    const more = which.length > listed.length ? ` The first ${listed.length} are listed.` : "";
    this.chosen.replaceChildren(
      page.make("p", {}, `${which.length} samples are selected, ${suspects} of them suspects.${more} `,
        page.make("button", { onclick: () => this.save() }, "Download their ids"), " ",
        page.make("button", { onclick: () => this.pick([]) }, "Clear")),
      page.make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Selected samples" },
        tableOf(heads, rows)));
  }

  save() {
    const names = this.told.names.length > 0;
    const heads = [page.data.place, ...(names ? ["given", "suggested"] : []), "probability"];
    const lines = [heads, ...this.picked.map((i) => [
      this.place(i), ...(names ? [this.label(this.given, i), this.label(this.suggested, i)] : []),
      this.probability[i] === 255 ? "" : (this.probability[i] / 254).toFixed(3)])];
    saveCsv("selected.csv", lines);
  }
}

// The colours of the page: those of paper while it is printed.
function scheme() {
  if (document.documentElement.classList.contains("paper")) return "light";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function swatch(colour) {
  return page.svg("svg", { width: 12, height: 12, "aria-hidden": "true" },
    page.svg("circle", { cx: 6, cy: 6, r: 5, fill: colour }));
}

// Save rows as a CSV file. Text that a spreadsheet would take for a formula gets an apostrophe.
function saveCsv(name, rows) {
  const cell = (value) => {
    const text = String(value);
    const formula = /^'*\s*[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]./s.test(text)
      && !/^[+-]?(\d+([.,]\d+)*|[.,]\d+)([eE][+-]?\d+)?%?$/.test(text);
    const safe = formula ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const text = rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  page.make("a", { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}
