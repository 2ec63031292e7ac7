"""Claims about the report as a page, read as text."""

import re
from collections.abc import Callable
from dataclasses import replace

from selfpaced._page.content import Gallery, Report
from selfpaced._page.report import report_page

HOSTILE = "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned=1'>"
Make = Callable[..., Report]


def sections(report: Report) -> list[str]:
    return re.findall(r'<section id="(\w+)">', report_page(report))


def test_the_summary_is_part_of_the_page(a_report: Make) -> None:
    made = report_page(a_report())
    for text in ("30 of 100 labels are probably wrong.", "A rare sample can look wrong.", "90.0%"):
        assert text in made
    assert "<code>selfpaced audit pets.csv</code>" in made


def test_sections_without_data_are_left_out(a_report: Make) -> None:
    assert sections(a_report()) == ["summary", "suspects", "map", "confusion", "training", "how"]
    bare = replace(a_report(), samples=None, meant=None, curves=None, how=(), panel=(), doubts=())
    assert sections(bare) == ["summary", "suspects"]
    assert "How far to trust this" not in report_page(bare)


def test_text_of_the_user_is_escaped_everywhere(a_report: Make) -> None:
    gallery = Gallery(HOSTILE, "row", "row", (HOSTILE,), ())
    told = replace(a_report(), title=HOSTILE, headline=HOSTILE, told=[HOSTILE], gallery=gallery)
    told = replace(told, panel=[[HOSTILE, HOSTILE]], heads=[HOSTILE], how=[(HOSTILE, HOSTILE)])
    made = report_page(replace(told, facts=[(HOSTILE, HOSTILE)], doubts=[HOSTILE]))
    assert "<img" not in made
    scripts = re.findall(r"<script(?: [^>]*)?>", made)
    assert len([each for each in scripts if each == "<script>"]) == 1


def test_the_report_of_many_classes_folds_their_table(a_report: Make) -> None:
    few = report_page(a_report())
    many = report_page(replace(a_report(), panel=[[str(k), "1", "2"] for k in range(13)]))
    assert "<details open>" in few
    assert "<details open>" not in many


def test_the_same_report_has_the_same_bytes(a_report: Make) -> None:
    assert report_page(a_report()) == report_page(a_report())
