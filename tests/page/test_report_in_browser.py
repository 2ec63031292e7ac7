"""Claims about the report in a browser: what a person sees, presses and downloads."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from selfpaced._page.content import Case, Gallery, Map, Report, Samples, Shown

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]
Address = Callable[..., str]
HOSTILE = "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned=1'>"
# Where the grid of samples is on the canvas, in pixels of the page.
FRAME_LEFT, FRAME_TOP, FRAME_RIGHT, FRAME_BOTTOM = 56, 10, 12, 40


@pytest.fixture
def shown(open_page: Open, address: Address) -> "Page":
    return open_page(address(), viewport={"width": 1280, "height": 900})


def on_map(page: "Page", column: float, row: float) -> tuple[float, float]:
    """Return where a place of the grid is in the window; the axes end 3 % beyond the samples."""
    page.locator("canvas").scroll_into_view_if_needed()
    box = page.locator("canvas").bounding_box()
    assert box is not None
    inner = (box["width"] - FRAME_LEFT - FRAME_RIGHT, box["height"] - FRAME_TOP - FRAME_BOTTOM)
    x, y = ((value + 0.27) / 9.54 for value in (column, row))
    return box["x"] + FRAME_LEFT + x * inner[0], box["y"] + FRAME_TOP + (1 - y) * inner[1]


def lasso(page: "Page", corners: list[tuple[float, float]]) -> None:
    """Draw a lasso with the mouse around places of the grid."""
    page.get_by_role("button", name="Lasso").click()
    page.mouse.move(*on_map(page, *corners[0]))
    page.mouse.down()
    for corner in [*corners[1:], corners[0]]:
        page.mouse.move(*on_map(page, *corner), steps=3)
    page.mouse.up()


def cards(page: "Page") -> list[str]:
    return page.locator(".card .place").all_inner_texts()


def test_the_first_24_cards_are_shown_and_the_others_on_request(shown: "Page") -> None:
    assert cards(shown) == [f"row {row}" for row in range(1, 25)]
    shown.get_by_role("button", name="Show more").click()
    assert len(cards(shown)) == 30
    assert not shown.get_by_role("button", name="Show more").is_visible()


def test_filters_choose_the_cards_and_say_how_many(shown: "Page") -> None:
    shown.get_by_label("label → suggested").select_option("dog → fish (10)")
    assert cards(shown) == [f"row {row}" for row in range(3, 31, 3)]
    assert "10 of 10 shown; 30 without the filters." in shown.locator("#suspects").inner_text()
    shown.get_by_label("search").fill("text 15")
    assert cards(shown) == ["row 15"]
    shown.get_by_label("search").fill("")
    shown.get_by_label("show", exact=True).select_option("only doubtful")
    assert cards(shown) == ["row 3", "row 15", "row 27"]
    shown.get_by_label("label wrong, at least %").fill("90")
    assert cards(shown) == ["row 3"]


def test_keys_go_through_the_cards_and_to_the_search(shown: "Page") -> None:
    for _ in range(3):
        shown.keyboard.press("j")
    shown.keyboard.press("k")
    assert shown.evaluate("document.activeElement.querySelector('.place').textContent") == "row 2"
    shown.keyboard.press("/")
    assert shown.evaluate("document.activeElement.type") == "search"
    shown.keyboard.type("jk/")
    assert shown.get_by_label("search").input_value() == "jk/"


def test_a_card_shows_labels_probabilities_differences_and_neighbours(shown: "Page") -> None:
    told = shown.locator(".card").first.inner_text()
    for part in ("line 2", "cat", "dog", "98.0%", "Unlike the nearest samples labelled cat"):
        assert part in told
    assert re.search(r"ears\s+2\.5\s+7\.5", told)
    assert told.count("a near text") == 3
    assert "90.0%" in told


def test_a_confused_pair_leads_to_its_cards(shown: "Page") -> None:
    shown.get_by_role("button", name="20 labelled cat, suggested dog: show them").click()
    assert len(cards(shown)) == 20
    chosen = shown.get_by_label("label → suggested").input_value()
    assert json.loads(chosen) == ["cat", "dog"]


def test_a_confused_pair_that_the_page_lacks_shows_no_other_cards(
    open_page: Open, address: Address, a_report: Callable[..., Report]
) -> None:
    meant = np.array([[0, 0, 7], [20, 0, 0], [0, 10, 0]])
    page = open_page(address(a_report(meant=meant)))
    page.get_by_role("button", name="7 labelled fish, suggested cat: show them").click()
    assert cards(page) == []
    assert "0 of 0 shown; 30 without the filters." in page.locator("#suspects").inner_text()
    page.get_by_role("button", name="20 labelled cat, suggested dog: show them").click()
    assert len(cards(page)) == 20


def test_pairs_and_places_with_odd_names_are_kept_apart(
    open_page: Open, address: Address, a_case: Callable[..., Case], a_report: Callable[..., Report]
) -> None:
    pairs = (("a → b", "c"), ("a", "b → c"))
    cases = tuple(a_case(at, *pair) for at, pair in enumerate(pairs))
    odd = a_case(7, *pairs[0], sample=Shown("constructor", "text"))
    gallery = Gallery("a", "text", "file", ("a",), (*cases, odd))
    page = open_page(address(a_report(gallery=gallery, meant=None), decided={"0": "keep"}))
    options = page.get_by_label("label → suggested").locator("option").all_inner_texts()
    assert options == ["all labels", "a → b → c (2)", "a → b → c (1)"]
    page.get_by_label("label → suggested").select_option(index=2)
    assert cards(page) == ["1"]
    page.get_by_label("label → suggested").select_option(index=0)
    page.get_by_label("show", exact=True).select_option("not decided")
    assert cards(page) == ["1", "constructor"]
    assert page.locator(".decided").count() == 0


def test_the_slider_shows_the_numbers_of_an_epoch(shown: "Page") -> None:
    values = shown.locator("#training .values")
    assert re.sub(r"\s+", " ", values.inner_text()) == "epoch 3 of 3 kept share 0.75 mean loss 1"
    shown.locator("#epoch").focus()
    shown.keyboard.press("ArrowLeft")
    assert re.sub(r"\s+", " ", values.inner_text()) == "epoch 2 of 3 kept share 0.5 mean loss none"
    bars = shown.locator("#training rect.suspects")
    heights = [float(str(bar.get_attribute("height"))) for bar in bars.all()]
    assert heights[0] == pytest.approx(2 * heights[1])  # 2 of 3 losses, and 1 of 3


def test_a_lasso_selects_lists_and_saves_the_samples_in_it(shown: "Page", tmp_path: Path) -> None:
    lasso(shown, [(1.5, 1.5), (4.5, 1.5), (4.5, 3.5), (1.5, 3.5)])
    chosen = shown.locator(".chosen")
    assert "6 samples are selected, 3 of them suspects." in chosen.inner_text()
    with shown.expect_download() as saved:
        shown.get_by_role("button", name="Download their ids").click()
    path = tmp_path / "selected.csv"
    saved.value.save_as(path)
    rows = [line.split(",") for line in path.read_text().splitlines()]
    assert rows[0] == ["row", "given", "suggested", "probability"]
    assert [row[0] for row in rows[1:]] == ["23", "24", "25", "33", "34", "35"]
    assert rows[1] == ["23", "dog", "fish", "0.902"]
    shown.get_by_role("button", name="Clear").click()
    assert chosen.inner_text() == ""


def test_the_keyboard_moves_the_map_and_selects_what_is_in_view(shown: "Page") -> None:
    shown.locator("canvas").focus()
    shown.keyboard.press("Enter")
    assert "100 samples are selected, 30 of them suspects." in shown.locator(".chosen").inner_text()
    shown.keyboard.press("Escape")
    for _ in range(4):
        shown.keyboard.press("+")
    shown.keyboard.press("Enter")
    told = shown.locator(".chosen").inner_text()
    assert 0 < int(told.split()[0]) < 100
    shown.keyboard.press("0")
    shown.keyboard.press("Enter")
    assert shown.locator(".chosen").inner_text().startswith("100 samples")


def test_the_mouse_shows_a_sample_and_zooms(shown: "Page") -> None:
    shown.mouse.move(*on_map(shown, 4, 2))
    tip = shown.locator(".tip")
    assert re.sub(r"\s+", " ", tip.inner_text()) == "25 label cat suggested dog label wrong: 90.2%"
    before = shown.locator("canvas").screenshot()
    shown.mouse.wheel(0, -300)
    shown.wait_for_timeout(100)
    assert shown.locator("canvas").screenshot() != before


def test_the_other_map_and_other_colours_are_drawn(shown: "Page") -> None:
    before = shown.locator("canvas").screenshot()
    shown.get_by_label("map", exact=True).select_option("Turned")
    shown.get_by_label("colour").select_option("label")
    assert shown.locator(".legend li").all_inner_texts() == ["cat", "dog", "fish"]
    assert shown.locator("canvas").screenshot() != before


def test_suspects_are_drawn_in_their_colour(shown: "Page") -> None:
    colour = """([x, y]) => {
        const canvas = document.querySelector("canvas"), box = canvas.getBoundingClientRect();
        const dense = canvas.width / box.width, at = [(x - box.x) * dense, (y - box.y) * dense];
        return [...canvas.getContext("2d").getImageData(...at, 1, 1).data.slice(0, 3)];
    }"""
    assert shown.evaluate(colour, list(on_map(shown, 4, 2))) == [168, 67, 0]
    assert shown.evaluate(colour, list(on_map(shown, 4, 7))) == [143, 176, 201]
    assert shown.evaluate(colour, list(on_map(shown, 4.5, 7.5))) == [255, 255, 255]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_and_use_the_page(
    open_page: Open, address: Address, scheme: str
) -> None:
    page = open_page(address(decided={"1": "change to dog"}), color_scheme=scheme)
    lasso(page, [(1.5, 1.5), (4.5, 1.5), (4.5, 3.5), (1.5, 3.5)])
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]})
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [380, 3840])
def test_nothing_is_wider_than_the_window(open_page: Open, address: Address, width: int) -> None:
    page = open_page(address(), viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.fixture
def hostile(a_case: Callable[..., Case], a_report: Callable[..., Report]) -> Report:
    """Return a report whose data try to run scripts, and are as long as data can be."""
    texts = [HOSTILE, "=1+1", "\x1b[31mred", "\u202eabc", "\U0001f600", "x" * 1_000_000]
    cases = []
    for place, text in enumerate(texts):
        shown = Shown(text[:50], text, row=((text, text),))
        cases.append(a_case(place, text[:200], text, sample=shown, differs=((text, text, text),)))
    codes = np.arange(len(texts), dtype=np.int32)
    ones = np.ones(len(texts), np.float32)
    names = tuple(text[:200] for text in texts)
    samples = Samples(names, codes, codes, names, ones, ones > 0, len(texts))
    maps = [Map(HOSTILE, HOSTILE, HOSTILE, codes.astype(np.float32), ones, HOSTILE)]
    meant = np.ones((len(texts), len(texts)), np.int64)
    gallery = Gallery(HOSTILE, "row", "file", names, tuple(cases))
    return a_report(gallery=gallery, samples=samples, maps=maps, meant=meant)


def test_data_run_no_script_and_are_shown_as_they_are(
    open_page: Open, address: Address, hostile: Report
) -> None:
    page = open_page(address(hostile), viewport={"width": 380, "height": 800})
    page.locator("canvas").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("window.pwned") is None
    assert page.locator("img").count() == 0
    given = page.locator(".card dd.given").all_inner_texts()
    assert given[:5] == [HOSTILE, "=1+1", "\\u001b[31mred", "\\u202eabc", "\U0001f600"]
    assert len(page.locator(".card .text").all_inner_texts()[-4]) == 1_000_000
    assert page.evaluate("document.documentElement.scrollWidth") == 380


def test_ids_that_a_spreadsheet_would_run_are_saved_as_text(
    open_page: Open, address: Address, hostile: Report, tmp_path: Path
) -> None:
    page = open_page(address(hostile))
    page.locator("canvas").focus()
    page.keyboard.press("Enter")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download their ids").click()
    path = tmp_path / "selected.csv"
    saved.value.save_as(path)
    assert "'=1+1,'=1+1,'=1+1,1.000" in path.read_text(encoding="utf-8")


def test_on_paper_all_cards_are_there_and_no_controls(shown: "Page") -> None:
    shown.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    shown.emulate_media(media="print")
    assert shown.locator(".card").count() == 30
    assert not shown.locator(".controls").first.is_visible()
    assert shown.evaluate("[...document.querySelectorAll('details')].every((one) => one.open)")
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_map_is_printed_in_light_colours(open_page: Open, address: Address) -> None:
    page = open_page(address(), color_scheme="dark")
    corner = """[...document.querySelector("canvas").getContext("2d")
        .getImageData(70, 20, 1, 1).data.slice(0, 3)]"""
    assert page.evaluate(corner) == [20, 23, 28]
    page.evaluate(f"addEventListener('beforeprint', () => {{ window.printed = {corner}; }})")
    page.pdf()
    assert page.evaluate("window.printed") == [255, 255, 255]
    assert page.evaluate(corner) == [20, 23, 28]


def test_the_summary_needs_no_script(open_page: Open, address: Address) -> None:
    page = open_page(address(), java_script_enabled=False)
    told = page.locator("main").inner_text()
    assert "30 of 100 labels are probably wrong." in told
    assert "JavaScript, which this browser does not run" in told


def test_a_report_without_suspects_says_so(
    open_page: Open, address: Address, a_report: Callable[..., Report]
) -> None:
    empty: dict[str, Any] = {"gallery": Gallery("a", "row", "row", (), ()), "meant": None}
    page = open_page(address(a_report(**empty)))
    assert "There are no suspects." in page.locator("#suspects").inner_text()


def test_what_is_not_shown_or_not_certain_is_said(
    open_page: Open, address: Address, a_case: Callable[..., Case], a_report: Callable[..., Report]
) -> None:
    gallery = Gallery("a", "row", "row", ("cat", "dog"), (a_case(1),), more=700, most=0.9)
    page = open_page(address(a_report(gallery=gallery, meant=None)))
    told = page.locator("#suspects").inner_text()
    assert "The list has 700 further samples that this page does not have." in told
    assert "> 90%" in told
    assert "98.0%" not in told


def test_a_part_of_the_samples_is_said_to_be_one(
    open_page: Open, address: Address, a_report: Callable[..., Report]
) -> None:
    whole = a_report()
    assert whole.samples is not None
    part: dict[str, Any] = {**vars(whole.samples), "total": 5_000}
    page = open_page(address(a_report(samples=Samples(**part))))
    assert "The map shows 100 of 5000 samples" in page.locator("#map").inner_text()


def test_decisions_are_shown_and_can_be_filtered(open_page: Open, address: Address) -> None:
    page = open_page(address(decided={"2": "change to dog", "5": "keep"}))
    page.get_by_label("show", exact=True).select_option("decided")
    assert cards(page) == ["row 2", "row 5"]
    assert page.locator(".decided").all_inner_texts() == ["change to dog", "keep"]


def test_a_case_without_a_probability_shows_none(
    open_page: Open, address: Address, a_report: Callable[..., Report]
) -> None:
    case = Case(Shown("4", row=(("loss", "2.5"),)), True, "", "", None)
    page = open_page(address(a_report(gallery=Gallery("a", "sample", "index", (), (case,)))))
    told = page.locator(".card").inner_text()
    assert "index 4" in told
    assert "null" not in told
    assert "label wrong" not in told
