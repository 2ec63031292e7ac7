// A case as a card: the sample, its labels, the columns that differ, and its neighbours.
// Used by the report and by the review.
function card(item) {
  const shown = page.make("article", { class: "card" });
  shown.append(page.user(`${item.given} → ${item.suggested}`, "h3"));
  shown.append(page.user(item.sample.text, "p"));
  return shown;
}
