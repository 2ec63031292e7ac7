"""How fast a report is built, how large it is, and how smooth its map is in a browser.

An audit's result of random numbers stands for a real one: 20 columns, 5 classes, 30 epochs.
Building is timed from the result to the written file, as at the end of an audit, and from the files
of the run, as ``selfpaced report`` does. The browser is headless Chromium without a graphics card;
the map is dragged with the mouse while the intervals between frames are measured.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from playwright.sync_api import Browser, sync_playwright

from selfpaced import Pacer
from selfpaced._page.report import report_page
from selfpaced.audit import Audit, Options, read
from selfpaced.audit._cases.report import report_of
from selfpaced.audit._cases.write import write_shown
from selfpaced.audit._learning.mixture import Blend
from selfpaced.audit._learning.trained import Trained
from selfpaced.audit._plan import Plan
from selfpaced.audit._prepare import Prepared, prepare
from selfpaced.suspects import Count

CLASSES, COLUMNS, EPOCHS, SUSPECTS = 5, 20, 30, 200
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Records the intervals between frames while the mouse drags.
RECORD = """() => {
    window.frames_ = [];
    let last = performance.now();
    const next = (now) => {
        window.frames_.push(now - last);
        last = now;
        requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
}"""


def samples(path: Path, n: int) -> Plan:
    """Write a table of n rows, and return the plan of its audit."""
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(n, COLUMNS)).round(4)
    frame = pd.DataFrame(rows, columns=[f"c{column}" for column in range(COLUMNS)])
    frame["label"] = [f"class {code}" for code in (rows[:, :CLASSES]).argmax(1)]
    frame.to_csv(path, index=False)
    return Plan(path, Options(label="label"))


def result(prepared: Prepared) -> tuple[Audit, Trained, np.ndarray]:
    """Return a result of random numbers, and losses after each epoch."""
    n, draw = len(prepared.labels), np.random.default_rng(1)
    names, labels = (
        pd.Index([] if prepared.names is None else [*prepared.names]),
        prepared.labels.numpy(),
    )
    chance = draw.random(n) * 0.4
    chance[draw.choice(n, SUSPECTS, replace=False)] = 0.95
    pacer = Pacer(n)
    pacer.observe(torch.rand(n), torch.arange(n))
    pacer.step()
    table = pd.DataFrame(
        {
            "label": names.take(labels),
            "probability": chance,
            "suggested": names.take((labels + 1) % CLASSES),
            "confidence": 0.9,
            "loss": chance,
        }
    ).rename_axis("index")
    wrong = pd.DataFrame(np.zeros((CLASSES, CLASSES)), names, names)
    found = Audit(
        table.sort_values("probability", ascending=False),
        Count(float(SUSPECTS), 0.0, float(SUSPECTS)),
        wrong,
        pacer.history.to_frame(),
        None,
        pacer,
        probabilities=draw.dirichlet(np.ones(CLASSES), n),
    )
    losses = draw.exponential(size=(EPOCHS, n)).astype(np.float32)
    trained = Trained(Blend({}, None), prepared.features, tuple(names), (0.0, 1.0), {})
    return found, trained, losses


def build(n: int, folder: Path) -> dict[str, Any]:
    """Build the report of n samples, and return what was measured."""
    plan = samples(folder / f"{n}.csv", n)
    prepared = prepare(read(plan.path, plan.options))
    found, trained, losses = result(prepared)
    run = folder / f"run{n}"
    run.mkdir()
    began = time.perf_counter()
    write_shown(run, run, plan, prepared, found, trained, losses=losses)
    written = time.perf_counter() - began
    began = time.perf_counter()
    page = report_page(report_of(run, plan, run))
    again = time.perf_counter() - began
    return {"n": n, "audit": written, "report": again, "mb": len(page.encode()) / 1e6, "run": run}


def first_paint(browser: Browser, address: str) -> float:
    """Return the seconds to the first paint of content, and of the whole page."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address)
    page.wait_for_selector("html[data-ready]", timeout=60_000)
    paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    seconds = float(page.evaluate(paint)) / 1000
    page.close()
    return seconds


def frames(browser: Browser, address: str) -> tuple[float, float]:
    """Return the median interval between frames while panning, in ms, and the share below 33."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address)
    page.wait_for_selector("html[data-ready]", timeout=60_000)
    canvas = page.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    if box is None:
        raise RuntimeError("The report has no map.")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(RECORD)
    for step in range(120):
        page.mouse.move(x + 100 * np.sin(step / 5), y + 60 * np.cos(step / 7))
    intervals = page.evaluate("window.frames_.slice(2)")
    page.mouse.up()
    page.close()
    return statistics.median(intervals), float(np.mean(np.array(intervals) < 33.4))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=asked.chromium, args=ARGUMENTS)
        for n in (60_000, 100_000, 1_000_000):
            told = build(n, Path(work))
            address = (told["run"] / "report.html").as_uri()
            paints = [first_paint(browser, address) for _ in range(asked.repeats)]
            panned = [frames(browser, address) for _ in range(asked.repeats)]
            interval = statistics.median(each[0] for each in panned)
            share = statistics.median(each[1] for each in panned)
            print(
                f"{n:>9,} samples: at the end of an audit {told['audit']:.1f} s, selfpaced report "
                f"{told['report']:.1f} s, {told['mb']:.2f} MB; first paint "
                f"{statistics.median(paints):.2f} s; {1000 / interval:.0f} frames/s while panning, "
                f"{share:.0%} of the frames within 33 ms"
            )
        browser.close()


if __name__ == "__main__":
    main()
