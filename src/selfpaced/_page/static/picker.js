// Choose a label by typing: a combobox with a list of the classes that fit.

// The largest number of classes that are listed at a time.
const MOST_CHOICES = 12;

class Picker {
  // `done` is called with the label and whether it is a new class, or with null if nothing is chosen.
  constructor(classes, done) {
    Object.assign(this, { classes, done, at: 0, choices: [] });
    this.input = page.make("input", {
      role: "combobox", "aria-expanded": "true", "aria-controls": "choices", "aria-autocomplete": "list",
      "aria-label": classes.length ? "New label: type to find a class" : "New number", autocomplete: "off",
      spellcheck: "false", oninput: () => this.find(), onkeydown: (event) => this.key(event),
    });
    this.list = page.make("ul", { id: "choices", role: "listbox", "aria-label": "Classes" });
    this.box = page.make("div", { class: "picker", hidden: true },
      page.make("p", {}, classes.length ? "Type to find a class; " : "Type the number; ", page.make("kbd", {}, "Enter"),
        " takes it, ", page.make("kbd", {}, "Esc"), " leaves."),
      this.input, this.list);
  }

  open() {
    this.box.hidden = false;
    this.input.value = "";
    this.find();
    this.input.focus();
  }

  close(label, isNew = false) {
    this.box.hidden = true;
    this.done(label, isNew);
  }

  find() {
    const typed = this.input.value.trim(), word = typed.toLowerCase();
    const rank = (name) => {
      const low = name.toLowerCase();
      return low === word ? 0 : low.startsWith(word) ? 1 : low.includes(word) ? 2 : 3;
    };
    const fits = this.classes.filter((name) => rank(name) < 3);
    fits.sort((one, other) => rank(one) - rank(other));
    this.choices = fits.slice(0, MOST_CHOICES).map((name) => ({ label: name, isNew: false }));
    const known = this.classes.includes(typed);
    if (typed && !known) this.choices.push({ label: typed, isNew: this.classes.length > 0 });
    this.at = 0;
    this.show();
  }

  show() {
    this.list.replaceChildren(...this.choices.map(({ label, isNew }, at) => {
      const option = page.make("li", {
        role: "option", id: `choice-${at}`, "aria-selected": String(at === this.at),
        onclick: () => this.close(label, isNew),
      }, isNew ? "new class: " : "", page.user(label));
      return option;
    }));
    this.input.setAttribute("aria-activedescendant", this.choices.length ? `choice-${this.at}` : "");
  }

  key(event) {
    event.stopPropagation();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.choices.length) {
      this.at = (this.at + step + this.choices.length) % this.choices.length;
      this.show();
    } else if (event.key === "Enter" && this.choices.length) {
      this.close(this.choices[this.at].label, this.choices[this.at].isNew);
    } else if (event.key === "Escape") {
      this.close(null);
    } else return;
    event.preventDefault();
  }
}
