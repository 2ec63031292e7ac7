from selfpaced.audit import Audit


def test_a_suspect_is_more_probably_wrong_than_right_and_has_another_class(
    classes_found: Audit,
) -> None:
    assert classes_found.suspects.index.tolist() == [3, 1]
    assert not classes_found.numeric


def test_a_number_is_suspect_whatever_is_suggested(numbers_found: Audit) -> None:
    numbers_found.table["suggested"] = numbers_found.table["label"]
    assert numbers_found.suspects.index.tolist() == [2]
    assert numbers_found.numeric


def test_numbers_have_no_kinds(numbers_found: Audit) -> None:
    assert repr(numbers_found) == (
        "1 of 4 numbers are probably wrong (25.0%).\nAll in all about 2 are wrong (1 to 3)."
    )


def test_classes_have_kinds(classes_found: Audit) -> None:
    assert "1 labelled cat are probably dog" in repr(classes_found)
