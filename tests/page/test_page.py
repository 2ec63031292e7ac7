"""Claims about pages in HTML."""

import base64
import hashlib
import json
import re
import zlib

import numpy as np
import pytest

from selfpaced._page.page import STATIC, page

HOSTILE = ["</script><script>alert(1)</script>", "<!--", "\u2028", "&lt;", "\udcff", "=1+1"]


def block(made: str, name: str) -> str:
    found = re.search(rf'<script type="[^"]*" id="{name}"[^>]*>(.*?)</script>', made, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_the_user_ends_no_block_and_comes_back(text: str) -> None:
    made = page(text, "<p>x</p>", data={"label": text})
    assert json.loads(block(made, "data")) == {"label": text}
    assert made.count("<script") == 2  # the data and our script
    assert made.encode("utf-8", "backslashreplace").decode().count("</script>") == 2


def test_only_our_script_and_style_may_run() -> None:
    made = page("t", "", data={}, styles=["theme.css"], scripts=["card.js"])
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', made)
    assert policy is not None
    assert policy[1].startswith("default-src 'none';")
    script = re.findall(r"<script>(.*?)</script>", made, re.DOTALL)[0]
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{hashed}'" in policy[1]
    assert "connect-src" not in policy[1]
    assert "connect-src 'self'" in page("t", "", data={}, server=True)


def test_numbers_are_deflated_with_the_lowest_byte_first() -> None:
    made = page("t", "", data={}, arrays={"a": np.array([1, 256], np.uint16)})
    raw = zlib.decompress(base64.b64decode(block(made, "array-a")))
    assert raw == b"\x01\x00\x00\x01"
    assert 'data-type="uint16"' in made


def test_a_number_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        page("t", "", data={"x": float("nan")})


def test_no_script_turns_text_into_html() -> None:
    scripts = [file for file in STATIC.iterdir() if file.name.endswith(".js")]
    assert len(scripts) >= 9
    for file in scripts:
        source = file.read_text(encoding="utf-8")
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in source, (file.name, way)
