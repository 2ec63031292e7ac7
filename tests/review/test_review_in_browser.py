"""Claims about the review in a browser: decisions by the keyboard, and what the database says."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe

from selfpaced._page.content import Case, Gallery, Shown
from selfpaced._review.app import make_app
from selfpaced._review.desk import Desk, open_desk
from selfpaced._review.serve import listen

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]
FolderOf = Callable[..., Path]


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """Serve a review in a thread, and yield the address of its page."""
    listening = listen(0)
    port = int(listening.getsockname()[1])
    config = uvicorn.Config(make_app(desk, "secret", port), log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/secret/"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture
def desk(folder_of: FolderOf) -> Desk:
    return open_desk(folder_of(), "ann")


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    with served(desk) as address:
        yield address


def decided(desk: Desk) -> dict[str, tuple[str, str | None]]:
    return {
        place: (of["ann"].action, of["ann"].label) for place, of in desk.decisions.latest().items()
    }


def now(page: "Page") -> str:
    return page.locator(".card .place").inner_text()


def press(page: "Page", *keys: str) -> None:
    """Press keys, and wait until all decisions are answered."""
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_function("review.busy.then(() => true)")


def test_a_whole_review_by_the_keyboard(open_page: Open, address: str, desk: Desk) -> None:
    page = open_page(address)
    press(page, "k", "a", "u")
    assert decided(desk) == {"1": ("keep", None), "2": ("change", "dog"), "3": ("unsure", None)}
    press(page, "s")  # row 4 is skipped
    assert now(page) == "row 5"
    press(page, "c")
    page.keyboard.type("fi")
    assert page.locator("#choices li").all_inner_texts() == ["fish", "new class: fi"]
    press(page, "Enter")
    assert decided(desk)["5"] == ("change", "fish")
    press(page, "c")
    page.keyboard.type("bird")
    press(page, "Enter")
    assert decided(desk)["6"] == ("change", "bird")
    press(page, "z")
    assert now(page) == "row 6"
    assert "6" not in decided(desk)
    press(page, "c", "Escape")
    assert "6" not in decided(desk)
    press(page, "b", "b")  # back to the one that was skipped
    assert now(page) == "row 4"
    press(page, "a")
    assert now(page) == "row 6"
    assert page.locator("#count").inner_text() == "5 of 12 decided"
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert now(page) == "row 6"  # the review goes on where it was left
    press(page, *"aaaaaaa")
    assert len(decided(desk)) == 12
    assert "All samples that are shown are decided." in page.locator(".stage").inner_text()
    assert page.locator("#count").inner_text() == "12 of 12 decided"


def test_keys_that_come_faster_than_answers_are_all_counted(
    open_page: Open, desk: Desk, address: str
) -> None:
    page = open_page(address)
    press(page, *"akakakakakak")
    assert len(decided(desk)) == 12
    assert [decided(desk)[str(place)][0] for place in range(1, 5)] == ["change", "keep"] * 2


def test_a_label_that_is_being_chosen_is_for_no_other_sample(
    open_page: Open, desk: Desk, address: str
) -> None:
    page = open_page(address)
    press(page, "c")
    page.keyboard.type("fish")
    page.get_by_role("button", name="keep the label").click()
    press(page)
    assert now(page) == "row 2"
    assert not page.locator(".picker").is_visible()
    press(page, "k")
    assert decided(desk) == {"1": ("keep", None), "2": ("keep", None)}


def test_fifty_decisions_are_fifty_keys(
    open_page: Open, folder_of: FolderOf, gallery: Callable[..., Gallery]
) -> None:
    desk = open_desk(folder_of(gallery(50)), "ann")
    with served(desk) as address:
        page = open_page(address)
        press(page, *"a" * 50)
    assert len(decided(desk)) == 50


def test_what_has_been_found_is_said_after_each_decision(open_page: Open, address: str) -> None:
    page = open_page(address)
    assert page.locator(".told").inner_text() == "Nothing is decided yet."
    press(page, "a", "k")
    assert "1 of 2 decided labels were wrong (50%; between 1% and 99%)." in (
        page.locator(".told").inner_text()
    )


def test_filters_choose_what_is_reviewed(open_page: Open, desk: Desk, address: str) -> None:
    page = open_page(address)
    page.get_by_label("label → suggested").select_option("dog → fish (4)")
    assert now(page) == "row 3"
    page.locator("body").click(position={"x": 1, "y": 1})
    press(page, *"aaaa")
    assert sorted(decided(desk)) == ["12", "3", "6", "9"]
    page.get_by_label("label → suggested").select_option("all labels")
    page.get_by_label("label wrong, at least %").fill("98")
    page.get_by_label("show", exact=True).select_option("not decided")
    assert now(page) == "row 1"


def test_a_random_draw_is_marked_as_one(open_page: Open, desk: Desk, address: str) -> None:
    page = open_page(address)
    press(page, "k", "r", "k", "k")
    drawn = {place for place, of in desk.decisions.latest().items() if of["ann"].drawn}
    assert len(drawn) == 2
    assert "1" not in drawn
    assert "By those drawn at random, between 0% and 84% of the 9 left" in (
        page.locator(".told").inner_text()
    )


def test_decisions_in_the_order_of_the_list_are_no_random_draw(
    open_page: Open, desk: Desk, address: str
) -> None:
    page = open_page(address)
    press(page, "r", "k")
    page.get_by_label("show", exact=True).select_option("not decided")
    page.locator("body").click(position={"x": 1, "y": 1})
    press(page, "k", "k")
    assert sum(of["ann"].drawn for of in desk.decisions.latest().values()) == 1


def test_a_probability_can_be_typed(open_page: Open, address: str) -> None:
    page = open_page(address)
    page.get_by_label("label wrong, at least %").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("95")
    assert page.get_by_label("label wrong, at least %").input_value() == "95"


def test_a_page_whose_start_failed_decides_once_the_server_answers(
    open_page: Open, folder_of: FolderOf
) -> None:
    desk = open_desk(folder_of(), "ann")
    with served(desk) as address:
        page = open_page(address, "Failed to load resource")
        page.route("**/state", lambda route: route.fulfill(status=507, json={"error": "Full."}))
        page.reload()
        page.wait_for_selector("html[data-ready]")
        press(page, "k")
        assert decided(desk) == {}
        assert page.locator("[role=alert]").inner_text() == "Full."
        page.unroute("**/state")
        press(page, "k")
    assert decided(desk) == {"1": ("keep", None)}


def test_decisions_of_others_are_shown_after_ones_own(
    open_page: Open, desk: Desk, address: str
) -> None:
    desk.decisions.add("1", "change", "dog", "bob")
    page = open_page(address)
    assert "bob" not in page.locator(".stage").inner_text()
    press(page, "k", "b")
    assert page.locator(".decided").inner_text() == "bob: change to dog; keep"
    page.get_by_label("show", exact=True).select_option("where reviewers disagree")
    assert "All samples that are shown are decided." in page.locator(".stage").inner_text()


def test_nothing_looks_saved_that_is_not(open_page: Open, folder_of: FolderOf) -> None:
    desk = open_desk(folder_of(), "ann")
    with served(desk) as address:
        page = open_page(address, "Failed to load resource")
        page.route("**/decide", lambda route: route.fulfill(status=507, json={"error": "Full."}))
        press(page, "a")
        assert page.locator("[role=alert]").inner_text() == "Full."
        assert now(page) == "row 1"
        page.unroute("**/decide")
        press(page, "a")
    assert now(page) == "row 2"
    assert not page.locator("[role=alert]").is_visible()
    assert list(decided(desk)) == ["1"]


def test_without_a_server_the_page_says_that_nothing_is_saved(
    open_page: Open, folder_of: FolderOf
) -> None:
    desk = open_desk(folder_of(), "ann")
    with served(desk) as address:
        page = open_page(address, "Failed to load resource")
        page.route("**/decide", lambda route: route.abort())
        press(page, "k")
    assert "nothing is saved until it runs again" in page.locator("[role=alert]").inner_text()
    assert now(page) == "row 1"


def test_numbers_are_typed(
    open_page: Open, folder_of: FolderOf, gallery: Callable[..., Gallery]
) -> None:
    desk = open_desk(folder_of(gallery(3, ())), "ann")
    with served(desk) as address:
        page = open_page(address)
        press(page, "c")
        page.keyboard.type("42.5")
        press(page, "Enter", "a")
    assert decided(desk) == {"1": ("change", "42.5"), "2": ("change", "3.5")}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_and_use_the_review(open_page: Open, address: str, scheme: str) -> None:
    page = open_page(address, color_scheme=scheme, viewport={"width": 380, "height": 800})
    press(page, "k", "c")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]})
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") == 380


def test_data_of_the_user_run_no_script(open_page: Open, folder_of: FolderOf) -> None:
    hostile = "</script><img src=x onerror='window.pwned=1'>"
    long = "y" * 1_000_000
    texts = [hostile, "=1+1", "\x1b[31m", "\u202eabc", "\U0001f600", long]
    cases = [Case(Shown(text[:40], text), True, text, hostile, 0.9) for text in texts]
    desk = open_desk(folder_of(Gallery(hostile, "row", "file", tuple(texts), tuple(cases))), "ann")
    with served(desk) as address:
        page = open_page(address)
        assert page.locator(".card .text").inner_text() == hostile
        press(page, "c")
        page.keyboard.type("</scr")
        press(page, "Enter", *"kkkkk")
        assert page.evaluate("window.pwned") is None
    labels = {place: label for place, (_, label) in decided(desk).items()}
    assert len(labels) == 6
    assert page.locator("img").count() == 0
