// The review: one sample at a time, a key for each decision, and every decision saved at once.

class Review {
  constructor() {
    this.drawn = new Set();
    this.decisions = new Map();
    this.ready = false;  // no decision before all earlier ones are known
    this.busy = Promise.resolve();
    this.build();
  }

  build() {
    const root = document.getElementById("review");
    this.pair = page.make("select", { onchange: () => this.filter() });
    this.kind = page.make("select", { onchange: () => this.filter() },
      ...[["", "all"], ["open", "not decided"], ["mine", "decided by me"], ["unsure", "unsure"], ["disagree", "where reviewers disagree"]]
        .map(([value, name]) => page.make("option", { value }, name)));
    this.least = page.make("input", { type: "number", min: 0, max: 100, value: 0, oninput: () => this.filter() });
    this.stage = page.make("div", { class: "stage" });
    this.told = page.make("div", { class: "told", "aria-live": "polite" });
    this.alert = page.make("p", { class: "alert", role: "alert", hidden: true });
    this.picker = new Picker(page.data.classes, (label, isNew) => this.picked(label, isNew));
    this.buttons = page.make("div", { class: "buttons", role: "group", "aria-label": "Decisions" }, ...this.actions());
    this.help = page.make("p", { class: "muted small" }, "Each decision is saved at once. ", page.make("kbd", {}, "?"),
      " shows or hides the filters.");
    this.filters = page.make("div", { class: "controls", role: "group", "aria-label": "Filters" },
      page.data.classes.length ? page.field("label → suggested", this.pair) : null, page.field("show", this.kind),
      page.field("label wrong, at least %", this.least));
    root.append(this.alert, this.filters, this.stage, this.buttons, this.picker.box, this.told, this.help);
    document.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("focus", () => this.refresh());
  }

  actions() {
    this.keys = new Map();
    const button = (key, name, act) => {
      this.keys.set(key, act);
      const made = page.make("button", { onclick: act, "aria-keyshortcuts": key }, page.make("kbd", {}, key), " ", name);
      return made;
    };
    this.accepts = page.make("span", {});
    return [
      button("k", "keep the label", () => this.decide("keep")),
      button("a", this.accepts, () => this.decide("change")),
      button("c", "choose another", () => this.choose()),
      button("u", "unsure", () => this.decide("unsure")),
      button("s", "skip", () => this.later(1)),
      button("b", "back", () => this.later(-1)),
      button("z", "undo", () => this.undo()),
      button("r", "draw at random", () => this.random()),
    ];
  }

  async start() {
    this.cases = await page.values("cases");
    await this.refresh();
    const counts = new Map();
    for (const item of this.cases) {
      const value = JSON.stringify([item.given, item.suggested]);
      counts.set(value, (counts.get(value) || 0) + 1);
    }
    this.pair.append(page.make("option", { value: "" }, "all labels"),
      ...[...counts].sort((a, b) => b[1] - a[1]).map(([value, n]) =>
        page.make("option", { value }, `${JSON.parse(value).map((label) => page.short(label)).join(" → ")} (${n})`)));
    this.filter();
    document.documentElement.dataset.ready = "true";
  }

  // Ask the server; an error is shown, and null returned.
  async ask(what, body) {
    try {
      const answer = await fetch(what, body === undefined ? {} : {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
      });
      const told = answer.headers.get("content-type")?.startsWith("application/json") ? await answer.json() : { error: await answer.text() };
      this.say(answer.ok ? "" : told.error);
      return answer.ok ? told : null;
    } catch {
      this.say("The server does not answer: nothing is saved until it runs again. Start selfpaced review again, and open the address that it prints.");
      return null;
    }
  }

  say(text) {
    this.alert.hidden = !text;
    this.alert.textContent = page.visible(text);
  }

  async refresh() {
    const told = await this.ask("state");
    if (told === null) return;
    this.decisions = new Map(Object.entries(told.decisions));
    this.ready = true;
    this.progress(told);
  }

  progress(told) {
    const done = told.all - told.left;
    document.getElementById("count").textContent = `${done} of ${told.all} decided`;
    document.getElementById("bar").replaceChildren(bar(done / told.all, "track"));
    const said = [...told.sentences, page.furtherOnes()].filter((line) => line);
    this.told.replaceChildren(...said.map((line) => page.make("p", {}, line)));
  }

  of(item) {
    return this.decisions.get(item.sample.place) || {};
  }

  mine(item) {
    const all = this.of(item), name = page.data.reviewer;
    return Object.hasOwn(all, name) ? all[name] : undefined;
  }

  filter() {
    const least = Number(this.least.value) / 100;
    this.list = this.cases.filter((item) => (!this.pair.value || JSON.stringify([item.given, item.suggested]) === this.pair.value)
      && item.probability >= least && this.isKind(item));
    this.drawn.clear();  // the order of the list again
    this.go(this.list.findIndex((item) => !this.mine(item)));
  }

  isKind(item) {
    const all = Object.values(this.of(item)), mine = this.mine(item);
    const said = new Set(all.filter((one) => one.action !== "unsure").map((one) => `${one.action} ${one.label}`));
    const kinds = { open: !all.length, mine, unsure: mine?.action === "unsure", disagree: said.size > 1 };
    return !this.kind.value || Boolean(kinds[this.kind.value]);
  }

  // Show a sample of the list by its place in it; none for a place outside.
  go(at) {
    this.at = at;
    this.now = this.list[at] || null;
    this.picker.box.hidden = true;
    if (this.now === null) {
      const what = this.list.length ? "All samples that are shown are decided." : "No sample fits these filters.";
      this.stage.replaceChildren(page.make("p", { class: "end" }, what, " Press Ctrl-C in the terminal to end the review."));
      this.accepts.textContent = "accept the suggestion";
    } else {
      const shown = card(this.now, { place: page.data.place, decided: this.words(this.now) });
      this.stage.replaceChildren(shown);
      this.accepts.replaceChildren("accept ", page.short(this.now.suggested, 24));
      if (!document.activeElement.matches("input, select")) shown.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    }
    for (const button of this.buttons.children) {
      const key = button.getAttribute("aria-keyshortcuts");
      button.disabled = this.now === null && !["b", "z", "r"].includes(key);
    }
  }

  // What was decided, also by others once this reviewer has decided.
  words(item) {
    const mine = this.mine(item);
    if (!mine) return "";
    const say = (one) => (one.action === "change" ? `change to ${one.label}` : one.action);
    return Object.entries(this.of(item)).map(([by, one]) => (by === page.data.reviewer ? say(one) : `${by}: ${say(one)}`)).join("; ");
  }

  later(step) {
    const all = this.list.length;
    if (this.now === null) this.go(step < 0 ? all - 1 : -1);
    else this.go(Math.max(0, this.at + step));
  }

  // Go to the next sample that this reviewer has not decided: first after this one, then from the start.
  next() {
    const isOpen = (item) => !this.mine(item);
    const after = this.list.findIndex((item, at) => at > this.at && isOpen(item));
    this.go(after >= 0 ? after : this.list.findIndex(isOpen));
  }

  // Save a decision about the sample that is shown; keys that come before the answer wait for it,
  // and are about the next one. A change without a label takes the suggested one.
  decide(action, label = null, isNew = false) {
    this.busy = this.busy.then(async () => {
      if (!this.ready) await this.refresh();
      if (this.now === null || !this.ready) return;
      const place = this.now.sample.place, item = this.now;
      const change = action === "change" ? label ?? item.suggested : null;
      const told = await this.ask("decide", { place, action, label: change, new: isNew, drawn: this.drawn.has(place) });
      if (told === null) return;
      this.decisions.set(told.place, told.decisions);
      this.progress(told);
      this.next();
    });
  }

  undo() {
    this.busy = this.busy.then(async () => {
      const told = await this.ask("undo", {});
      if (told === null) return;
      this.progress(told);
      if (told.place === null) return this.say("There is nothing to undo.");
      this.decisions.set(told.place, told.decisions);
      let at = this.list.findIndex((item) => item.sample.place === told.place);
      if (at < 0) {
        this.pair.value = this.kind.value = "";
        this.least.value = 0;
        this.filter();
        at = this.list.findIndex((item) => item.sample.place === told.place);
      }
      this.go(at);
    });
  }

  choose() {
    this.choosing = this.now;
    if (this.now !== null) this.picker.open();
  }

  // Save the label that was chosen, if its sample is still the one that is shown.
  picked(label, isNew) {
    if (label !== null && this.choosing === this.now) this.decide("change", label, isNew);
    this.stage.firstElementChild?.focus({ preventScroll: true });
  }

  // Put the undecided samples in a random order, so that the next ones tell of all that are left.
  random() {
    this.busy = this.busy.then(() => {
      this.drawn.clear();
      const open = this.list.filter((item) => !Object.keys(this.of(item)).length);
      for (let i = open.length - 1; i > 0; i--) {
        const j = crypto.getRandomValues(new Uint32Array(1))[0] % (i + 1);
        [open[i], open[j]] = [open[j], open[i]];
      }
      const rest = this.list.filter((item) => !open.includes(item));
      this.list = [...rest, ...open];
      const whole = open.length === this.cases.filter((item) => !Object.keys(this.of(item)).length).length;
      if (whole) for (const item of open) this.drawn.add(item.sample.place);
      this.say(whole ? "" : "The samples that fit the filters come in a random order. They do not tell of the whole list.");
      this.go(this.list.length - open.length < this.list.length ? this.list.length - open.length : -1);
    });
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select")) return;
    const key = { ArrowRight: "s", ArrowLeft: "b" }[event.key] || event.key;
    if (key === "?") this.filters.hidden = !this.filters.hidden;
    else if (this.keys.has(key)) {
      if (event.repeat && ["k", "a", "u"].includes(key)) return;
      if (["s", "b", "c"].includes(key)) this.busy = this.busy.then(() => this.keys.get(key)());
      else this.keys.get(key)();
    } else return;
    event.preventDefault();
  }
}

const review = new Review();
review.start();
