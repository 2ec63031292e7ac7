import numpy as np
import pytest

from selfpaced.audit._fixing.spelling import Spelling, key


@pytest.mark.parametrize(
    ("labels", "label", "written"),
    [
        (["A", "a"], "a", "a"),
        (["007", "7"], 7, "7"),
        (["007", "008"], np.int64(8), "008"),
        (["1.0", "2.0"], 1, "1.0"),
        (["no", "true"], np.bool_(True), "true"),
        ([0, 1], "1", 1),
        ([False, True], "True", True),
        (["1.5"], 2.25, "2.25"),
        ([1.5, 2], np.float32(0.1), 0.1),
        (["inf", "nan"], "nan", "nan"),
    ],
)
def test_a_label_is_written_as_the_table_writes_it(
    labels: list[object], label: object, written: object
) -> None:
    found = Spelling(labels)(label)
    assert found == written and type(found) is type(written)


def test_a_class_called_nan_is_itself() -> None:
    assert key("NaN") == "nan" and key(float("nan")) == "nan"
