"""Claims about samples that are nearly equal."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from selfpaced.audit import Options, read
from selfpaced.audit._reading.alike.duplicates import hashes_of
from selfpaced.audit._reading.alike.near import nearly_equal

LONG = "the invoice of march shows a charge that nobody in our team has ever ordered or approved"
RNG = np.random.default_rng(0)


def groups(table: pd.DataFrame) -> list[int]:
    return [int(each) for each in nearly_equal(table, hashes_of(table))]


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (LONG, True),
        (f"{LONG} ", True),
        (LONG.upper() + "!", True),
        (LONG.replace(" ", "  "), True),
        (f"{LONG} please help", True),
        (LONG.replace("march", "april"), False),  # three of fifteen runs of words differ
        ("the app closes when I open the settings of my account", False),
    ],
)
def test_texts_are_nearly_equal_but_for_case_signs_and_a_few_words(other: str, same: bool) -> None:
    found = groups(pd.DataFrame({"text": [LONG, other, "something else that is said here"]}))
    assert (found[0] == found[1]) is same and found[2] not in found[:2]


def test_texts_without_blanks_are_compared_by_letters() -> None:
    text = "这家店的物流实在太慢了等了整整两个星期才收到而且包装还破了"
    texts = [text, text + "。", text.replace("两", "三"), "东西很好用物流也快下次还会再来买"]
    assert groups(pd.DataFrame({"text": texts})) == [0, 0, 0, 1]


def test_other_columns_must_be_equal() -> None:
    texts = [LONG, LONG + " ", LONG + "."]
    assert groups(pd.DataFrame({"text": texts, "n": [1, 1, 2]})) == [0, 0, 1]
    assert groups(pd.DataFrame({"n": [1.0, 1.0000001, 1.0], "kind": list("aaa")})) == [0, 1, 0]


def test_texts_of_many_shared_words_are_not_nearly_equal() -> None:
    words = [f"word{place}" for place in range(30)]
    texts = [" ".join(RNG.permutation(words)) for _ in range(200)]
    assert groups(pd.DataFrame({"text": texts})) == list(range(200))


def test_images_are_nearly_equal_but_for_noise() -> None:
    images = RNG.integers(0, 256, (6, 1, 32, 32)).astype(np.uint8)
    images = images.repeat(2, axis=2).repeat(2, axis=3)
    images[3] = np.clip(images[0] + RNG.integers(-2, 3, images[0].shape), 0, 255)
    images[4] = images[1]
    assert nearly_equal(images, hashes_of(images)).tolist() == [0, 1, 2, 0, 1, 3]
    arrays = images.astype(np.float32)
    assert nearly_equal(arrays, hashes_of(arrays)).tolist() == [0, 1, 2, 3, 1, 4]


def test_blank_images_are_equal_to_themselves_only() -> None:
    images = np.zeros((4, 1, 8, 8), np.uint8)
    images[2:] = 255
    assert nearly_equal(images, hashes_of(images)).tolist() == [0, 0, 1, 1]


def test_near_copies_with_other_labels_are_told(tmp_path: Path) -> None:
    texts = [f"{LONG} {place} {place}" for place in range(4)]
    texts += ["the password of my account is lost", "The password of my account is lost."]
    table = pd.DataFrame({"text": texts, "kind": ["a", "a", "a", "a", "a", "b"]})
    table.to_csv(tmp_path / "a.csv", index=False)
    source = read(tmp_path / "a.csv", Options(label="kind"))
    assert source.conflicts.to_dict("list") == {
        "row": [5, 6],
        "label": ["a", "b"],
        "group": [1, 1],
        "alike": ["nearly"] * 2,
    }
    assert "2 samples in 1 group are nearly equal but have different labels." in source.notes


def test_texts_of_signs_are_equal_only_to_themselves() -> None:
    texts = [": ) : )", ": ( : /", ": ) : )", "+ 1 + -", "+ 1 - +"]
    assert groups(pd.DataFrame({"text": texts})) == [0, 1, 0, 2, 3]


def test_a_number_at_the_end_of_a_text_is_not_taken_for_another_column() -> None:
    texts = [f"a house by the sea {place}" for place in (11, 1)] + ["all else is new"] * 11
    numbers = [2.0, 12.0, *map(float, range(20, 31))]
    assert groups(pd.DataFrame({"text": texts, "n": numbers}))[:2] == [0, 1]


def test_many_images_that_are_alike_need_little_memory() -> None:
    images = np.full((3_000, 1, 32, 32), 7, np.uint8)
    images[:, 0, :16] = RNG.integers(90, 93, (3_000, 16, 32))
    assert nearly_equal(images, hashes_of(images)).max() == 0
