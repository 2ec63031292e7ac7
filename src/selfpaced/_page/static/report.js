// Fills the sections of a report.
(async () => {
  const section = (name) => document.getElementById(name);
  const gallery = new Gallery(section("suspects"), await page.values("cases"));
  if (page.data.confusion) {
    confusionTable(section("confusion"), (given, meant) => gallery.choose(given, meant));
  }
  if (page.data.curves) new Curves(section("training"));
  if (page.data.map) await SampleMap.of(section("map"));
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
  document.documentElement.dataset.ready = "true";
})();
