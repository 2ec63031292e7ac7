"""Take the screenshots of the documentation: ``make pictures``; needs Chromium.

The audit is of scikit-learn's digits, of which 5 % of the labels are made wrong.
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from sklearn.datasets import load_digits

from selfpaced.audit import Options
from selfpaced.audit._folder.write import write
from selfpaced.audit._plan import Plan
from selfpaced.audit._prepare import prepare
from selfpaced.audit._reading import read
from selfpaced.audit._run import Run, machine

FOLDER = Path(__file__).parent / "pictures"
WRONG, SEED, SIDE = 0.05, 0, 48
# The size of the windows, in pixels.
REPORT, REVIEW = {"width": 1280, "height": 1010}, {"width": 1000, "height": 820}


def write_digits(folder: Path) -> None:
    """Write the digits as images in a subfolder for each label, of which some are wrong."""
    digits, draw = load_digits(), np.random.default_rng(SEED)
    labels = digits.target.copy()
    wrong = draw.choice(len(labels), round(WRONG * len(labels)), replace=False)
    labels[wrong] = (labels[wrong] + draw.integers(1, 10, len(wrong))) % 10
    for place, (image, label) in enumerate(zip(digits.images, labels, strict=True)):
        path = folder / str(label) / f"{place:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = Image.fromarray((255 - image * 255 / 16).astype(np.uint8))
        pixels.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(path)


def audit(data: Path, folder: Path) -> None:
    """Audit a folder of images, and write the results."""
    plan = Plan(data, Options(), epochs=20)
    run = Run(plan, prepare(read(data)), folder, machine(plan))
    run.train()
    write(folder, plan, run.prepared, *run.conclude(), losses=run.losses_by_epoch())


def show_report(page: Page, folder: Path) -> None:
    """Take the pictures of the report: its suspects, and its map."""
    page.set_viewport_size(REPORT)  # type: ignore[arg-type]  # a dict of the two numbers
    page.goto((folder / "report.html").as_uri())
    page.wait_for_selector("html[data-ready]")
    page.locator("#suspects").scroll_into_view_if_needed()
    page.evaluate("document.getElementById('suspects').scrollIntoView()")
    page.screenshot(path=FOLDER / "report.png")
    page.get_by_label("colour").select_option("label")
    page.locator("#map").evaluate("section => section.scrollIntoView()")
    page.screenshot(path=FOLDER / "report-map.png")


def show_review(page: Page, folder: Path) -> None:
    """Take the picture of the review after a few decisions."""
    from threading import Thread

    import uvicorn

    from selfpaced._review.app import make_app
    from selfpaced._review.desk import open_desk
    from selfpaced._review.serve import listen

    listening = listen(0)
    port = int(listening.getsockname()[1])
    app = make_app(open_desk(folder, "ann"), "page", port)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    page.set_viewport_size(REVIEW)  # type: ignore[arg-type]  # as above
    page.goto(f"http://127.0.0.1:{port}/page/")
    page.wait_for_selector("html[data-ready]")
    for key in "aaaakaaua":
        page.keyboard.press(key)
    page.wait_for_function("review.busy.then(() => true)")
    page.screenshot(path=FOLDER / "review.png")
    server.should_exit = True
    thread.join()
    listening.close()


def main() -> None:
    """Take all screenshots."""
    place = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        data, folder = Path(work, "digits"), Path(work, "run")
        folder.mkdir()
        write_digits(data)
        audit(data, folder)
        browser = playwright.chromium.launch(executable_path=place, args=["--no-sandbox"])
        page = browser.new_page(color_scheme="light")
        show_report(page, folder)
        show_review(page, folder)
        browser.close()


if __name__ == "__main__":
    main()
