// The samples to look at, as cards: filters, search, and keys to go through them.

// The number of cards that are added at a time.
const AT_A_TIME = 24;

class Gallery {
  constructor(section, cases) {
    this.section = section;
    this.cases = cases;
    this.found = cases;
    this.shown = 0;
    if (!cases.length) {
      section.append(page.make("p", {}, "There are no suspects."));
      return;
    }
    this.build();
    this.filter();
    document.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("beforeprint", () => this.more(Infinity));
  }

  build() {
    this.pair = page.make("select", { onchange: () => this.filter() },
      page.make("option", { value: "" }, "all labels"),
      ...this.pairs().map(({ item, n }) => pairOption(item, n)));
    const kinds = [["", "all"], ["suspect", "suspects"], ["doubtful", "only doubtful"]];
    if (DECIDED.size) kinds.push(["open", "not decided"], ["decided", "decided"]);
    this.kind = page.make("select", { onchange: () => this.filter() },
      ...kinds.map(([value, name]) => page.make("option", { value }, name)));
    this.least = page.make("input", {
      type: "number", min: 0, max: 100, step: 1, value: 0, oninput: () => this.filter(),
    });
    this.word = page.make("input", { type: "search", oninput: () => this.filter() });
    this.count = page.make("p", { "aria-live": "polite", class: "muted" });
    this.list = page.make("div", { class: "cards" });
    this.further = page.make("button", { onclick: () => this.more(AT_A_TIME) }, "Show more");
    const pairs = page.data.classes.length ? page.field("label → suggested", this.pair) : null;
    const judged = this.cases.some((item) => item.probability !== null);
    this.section.append(
      page.make("div", { class: "controls", role: "group", "aria-label": "Filters" },
        pairs, page.field("show", this.kind), judged ? page.field("label wrong, at least %", this.least) : null,
        page.field("search", this.word)),
      this.count,
      page.make("p", { class: "muted small keys" }, page.make("kbd", {}, "j"), " and ",
        page.make("kbd", {}, "k"), " go to the next and the previous card, ",
        page.make("kbd", {}, "/"), " to the search."),
      this.list, this.further);
  }

  // The pairs of given and suggested labels, the most frequent first, with their numbers.
  pairs() {
    const counts = new Map();
    for (const item of this.cases) {
      const known = counts.get(pairOf(item));
      counts.set(pairOf(item), { item, n: (known ? known.n : 0) + 1 });
    }
    return [...counts.values()].sort((one, other) => other.n - one.n);
  }

  // Show the cases of a pair of labels only; the page may have none of them.
  choose(given, suggested) {
    this.section.scrollIntoView();
    if (!this.cases.length) return;
    const wanted = pairOf({ given, suggested });
    if (![...this.pair.options].some((option) => option.value === wanted)) {
      this.pair.append(pairOption({ given, suggested }, 0));
    }
    this.pair.value = wanted;
    this.kind.value = this.least.value = this.word.value = "";
    this.filter();
    this.pair.focus({ preventScroll: true });
  }

  filter() {
    const word = this.word.value.toLowerCase(), least = Number(this.least.value) / 100;
    this.found = this.cases.filter((item) =>
      (!this.pair.value || pairOf(item) === this.pair.value) && this.isKind(item)
      && item.probability >= least && (!word || textOf(item).includes(word)));
    this.list.replaceChildren();
    this.shown = 0;
    this.more(AT_A_TIME);
  }

  isKind(item) {
    const decided = DECIDED.has(item.sample.place);
    const kinds = { suspect: item.suspect, doubtful: !item.suspect, open: !decided, decided };
    return this.kind.value === "" || kinds[this.kind.value];
  }

  more(n) {
    const next = this.found.slice(this.shown, this.shown + n);
    this.list.append(...next.map((item) => card(item, {
      place: page.data.place, decided: DECIDED.get(item.sample.place) || "",
    })));
    this.shown += next.length;
    this.further.hidden = this.shown === this.found.length;
    const all = this.cases.length, found = this.found.length;
    this.count.textContent = `${this.shown} of ${found} shown`
      + (found === all ? "." : `; ${all} without the filters.`) + page.furtherOnes();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, select, textarea, canvas")) return;
    if (event.key === "/") {
      event.preventDefault();
      this.word.focus();
    } else if (event.key === "j" || event.key === "k") {
      const cards = [...this.list.children];
      const now = cards.indexOf(document.activeElement.closest(".card"));
      const next = event.key === "j" ? now + 1 : Math.max(0, now - 1);
      if (next === cards.length) this.more(AT_A_TIME);
      this.list.children[Math.min(next, this.list.children.length - 1)]?.focus();
    }
  }
}

// What people decided, by the place of the sample.
const DECIDED = new Map(Object.entries(page.data.decided));

// A pair of labels as a value that no other pair has, and as an option.
function pairOf(item) {
  return JSON.stringify([item.given, item.suggested]);
}

function pairOption(item, n) {
  return page.make("option", { value: pairOf(item) }, `${page.short(item.given)} → ${page.short(item.suggested)} (${n})`);
}

function textOf(item) {
  const cells = item.sample.row.flat();
  return [item.sample.place, item.sample.text, item.given, item.suggested, ...cells].join("\n").toLowerCase();
}
