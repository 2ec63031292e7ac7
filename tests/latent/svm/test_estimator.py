"""The latent SVM reaches its optimum, learns latent values, and reports errors of a problem."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.base import clone

from selfpaced.age import Growing, Quantile
from selfpaced.chain import Floats
from selfpaced.latent import Guess, LatentSVM, NotConverged, Search, Stop
from selfpaced.latent._svm.margin import Margin
from selfpaced.latent.problems import Digits
from selfpaced.pacing import Constant

Classes = NDArray[np.int64]

N, VIEWS, K = 80, 4, 3


def views(seed: int = 0, n: int = N, signal: float = 3.0) -> tuple[Floats, Classes, Classes]:
    """Samples of two classes in four views, of which one depends on the class; and which one."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, VIEWS, K))
    y, h = random.integers(2, size=n), random.integers(VIEWS, size=n)
    x[np.arange(n), h, y] += signal
    return x, y, h


def model(C: float = 10.0, problem: Digits | None = None, **settings: Any) -> Margin[Any, Any, Any]:
    x, y, _ = views()
    return Margin(problem or Digits(), x, y, N, C=C, **settings)


def slow_objective(margin: Margin[Any, Any, Any], w: Floats, h: Classes, v: Floats) -> float:
    """The weighted objective, by enumeration of all guesses."""
    x, y, blocks, i = margin.x, margin.y, w.reshape(2, K + 1), np.arange(N)
    scores = np.stack([x @ block[:K] + block[K] for block in blocks], 1)  # (n, classes, views)
    most = (scores + (y[:, None] != [0, 1])[:, :, None]).max((1, 2))
    return float(w @ w / 2 + margin.C / N * (v @ (most - scores[i, y, h[i]])))


# --- one convex step ---------------------------------------------------------------------------


@pytest.mark.parametrize("C", [1.0, 10.0, 100.0])
def test_a_fit_is_within_C_eps_of_the_optimum(C: float) -> None:
    margin, (_, _, h) = model(C, eps=1e-3), views()
    v = np.random.default_rng(1).random(N)
    found = margin.fit(h, v, None)
    near = found.w + 0.1 * np.random.default_rng(0).normal(size=2 * K + 2)
    best = minimize(lambda w: slow_objective(margin, w, h, v), near, method="Powell").fun
    value = slow_objective(margin, found.w, h, v)
    assert found.gap <= C * 1e-3
    assert value <= best + found.gap + 1e-9
    assert margin.regulariser(found) + v @ margin.losses(found, h) == pytest.approx(value)


def test_cuts_of_other_latent_values_and_weights_speed_up_a_fit() -> None:
    margin, (_, _, h) = model(100.0), views()
    random = np.random.default_rng(0)
    v = random.random(N)
    before = margin.fit(np.where(random.random(N) < 0.1, 0, h), np.ones(N), None)
    cold, warm = margin.fit(h, v, None), margin.fit(h, v, before)
    value = slow_objective(margin, warm.w, h, v)
    assert value == pytest.approx(slow_objective(margin, cold.w, h, v), abs=margin.tolerance)
    assert warm.gap <= margin.tolerance
    assert warm.iterations < cold.iterations


def test_a_sample_of_weight_0_does_not_count() -> None:
    margin, (_, _, h) = model(), views()
    v = np.where(np.arange(N) < 60, 1.0, 0.0)
    x, y, _ = views()
    part = Margin(Digits(), x[:60], y[:60], 60, C=10.0 * 60 / N)
    ours, theirs = margin.fit(h, v, None), part.fit(h[:60], np.ones(60), None)
    assert ours.w == pytest.approx(theirs.w, abs=1e-6)


# --- the estimator -----------------------------------------------------------------------------


def test_it_learns_which_view_depends_on_the_class() -> None:
    x, y, h = views(0)
    svm = LatentSVM(Digits(), C=10.0, random_state=0, n_init=4).fit(x, y)
    new_x, new_y, new_h = views(1, 400)
    assert svm.score(new_x, new_y) > 0.85
    assert (svm.latent_ == h).mean() > 0.75
    assert (svm.predict_latent(new_x) == new_h).mean() > 0.75
    assert svm.weights_.tolist() == [1.0] * N
    assert svm.converged_


def test_its_attributes_agree_with_each_other() -> None:
    x, y, _ = views()
    svm = LatentSVM(Digits(), C=10.0, random_state=0).fit(x, y)
    margin = model()
    assert np.array_equal(svm.latent_, Digits().complete(svm.coef_, x, y))
    expected = slow_objective(margin, svm.coef_, svm.latent_, np.ones(N))
    assert svm.objective_ == pytest.approx(expected)
    assert svm.objective_ == pytest.approx(svm.coef_ @ svm.coef_ / 2 + 10.0 / N * svm.slack_.sum())
    assert 0 <= svm.gap_ <= 10.0 * 1e-3
    assert svm.score(x, y) == (svm.predict(x) == y).mean()


def test_several_starts_are_never_worse_and_jobs_change_nothing() -> None:
    x, y, _ = views()
    one = LatentSVM(Digits(), C=10.0, random_state=0).fit(x, y)
    four = clone(one).set_params(n_init=4).fit(x, y)
    jobs = clone(four).set_params(n_jobs=2).fit(x, y)
    assert four.objective_ <= one.objective_
    assert np.array_equal(four.coef_, jobs.coef_)


def test_first_latent_values_can_be_given() -> None:
    x, y, h = views()
    true = LatentSVM(Digits(), C=10.0, search=Search(age=None)).fit(x, y, h=h)
    zero = LatentSVM(Digits(first=0), C=10.0, search=Search(age=None)).fit(x, y)
    given = LatentSVM(Digits(), C=10.0, search=Search(age=None)).fit(x, y, h=np.zeros(N, int))
    assert np.array_equal(zero.coef_, given.coef_)
    assert true.objective_ < given.objective_


def test_classes_can_have_shares_of_their_own() -> None:
    x, y, _ = views()
    age, stop = Quantile(Constant(0.5), by="group"), Stop(max_outer=3)
    search = Search(
        age=age, stop=stop, max_inner=1
    )  # a second fit at this age would change the share
    svm = LatentSVM(Digits(), C=10.0, search=search, random_state=0)
    with pytest.warns(NotConverged, match="3 rounds were not enough"):
        svm.fit(x, y, columns={"group": y})
    kept = [int(svm.weights_[y == label].sum()) for label in (0, 1)]
    assert kept == [-(-int((y == label).sum()) // 2) for label in (0, 1)]


def test_the_relaxed_objective_falls_within_each_round() -> None:
    x, y, _ = views(2, signal=1.5)
    svm = LatentSVM(Digits(), C=100.0, search=Search(age=Growing(1.1)), random_state=0).fit(x, y)
    rows = [row for row in svm.history_ if row.age != np.inf]
    pairs = [(a, b) for a, b in pairwise(rows) if a.outer == b.outer]
    assert len(pairs) > 3
    assert all(b.relaxed <= a.relaxed + 100.0 * 1e-3 for a, b in pairs)


# --- errors and warnings -----------------------------------------------------------------------


class Odd(Digits):
    """A problem with an error in one method; the attribute ``wrong`` names the error."""

    wrong = ""

    def complete(self, w: Floats, x: Floats, y: Classes) -> Classes:
        h = super().complete(w, x, y)
        return h[:-1] if self.wrong == "complete" else h

    def most_violated(self, w: Floats, x: Floats, y: Classes) -> Guess[Classes, Classes]:
        guess = super().most_violated(w, x, y)
        if self.wrong == "label":
            return Guess(guess.y[:, None].repeat(2, 1)[:3], guess.h)
        if self.wrong == "argmax":
            return Guess(y, np.zeros_like(guess.h))
        return guess

    def loss(self, y: Classes, guess: Classes) -> Floats:
        loss = super().loss(y, guess)
        return loss.mean(keepdims=True) if self.wrong == "loss" else loss

    def score(self, w: Floats, x: Floats, y: Classes, h: Classes) -> Floats:
        score = super().score(w, x, y, h)
        return score[:, None] if self.wrong == "score" else score

    def joint(self, c: Floats, x: Floats, y: Classes, h: Classes) -> Floats:
        joint = super().joint(c, x, y, h)
        return joint[None] if self.wrong == "joint" else joint

    def start(self, x: Floats, y: Classes, random: np.random.Generator) -> Classes:
        h = super().start(x, y, random)
        return h[:5] if self.wrong == "start" else h


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            "complete",
            r"complete must answer for all 80 samples, shape \(80, ...\); got shape \(79,",
        ),
        ("label", r"most_violated must answer for all 80 samples.*got shape \(3, 2\)"),
        ("loss", r"loss must return one number per sample, shape \(80,\); got shape \(1,\)"),
        ("score", r"score must return one number per sample, shape \(80,\); got shape \(80, 1\)"),
        ("joint", r"joint must return one number per feature, shape \(d,\); got shape \(1, 8\)"),
        ("start", r"start must answer for all 80 samples.*got shape \(5,\)"),
    ],
)
def test_answers_of_another_shape_are_refused(wrong: str, message: str) -> None:
    x, y, _ = views()
    problem = Odd()
    object.__setattr__(problem, "wrong", wrong)
    with pytest.raises(ValueError, match=message):
        LatentSVM(problem, C=10.0, random_state=0).fit(x, y)


def test_a_most_violated_guess_that_is_not_an_argmax_is_refused() -> None:
    x, y, h = views()
    problem = Odd()
    object.__setattr__(problem, "wrong", "argmax")
    margin = Margin(problem, x, y, N, C=10.0)
    found = model().fit(h, np.ones(N), None)
    message = (
        r"Odd.most_violated is not an argmax: for \d+ samples its guess scores less than the truth"
    )
    with pytest.raises(ValueError, match=message):
        margin.losses(found, h)


def test_a_fit_that_does_not_converge_warns_with_its_gap() -> None:
    x, y, _ = views()
    search = Search(age=None, stop=Stop(min_outer=1, patience=1, max_outer=1))
    svm = LatentSVM(Digits(), C=10.0, search=search, max_iter=9, random_state=0)
    with (
        pytest.warns(NotConverged, match=r"stopped after 9 iterations with a gap of"),
        pytest.warns(NotConverged, match="1 rounds were not enough"),
    ):
        svm.fit(x, y)
    assert svm.gap_ > 10.0 * 1e-3


def test_a_search_that_ends_at_w_of_0_warns() -> None:
    x, h = np.ones((N, VIEWS, K)), np.zeros(N, dtype=np.int64)
    with pytest.warns(NotConverged, match="nothing that tells the labels apart: w = 0, the obj"):
        LatentSVM(Digits(), C=1e-3, search=Search(age=None)).fit(x, np.arange(N) % 2, h)


def test_wrong_settings_and_data_are_refused() -> None:
    x, y, h = views()
    for name, value in (("C", 0.0), ("C", np.inf), ("eps", -1.0)):
        with pytest.raises(ValueError, match=f"LatentSVM: {name} must be above 0; got {value}"):
            LatentSVM(Digits()).set_params(**{name: value}).fit(x, y)
    for name in ("n_init", "max_iter"):
        with pytest.raises(ValueError, match=f"LatentSVM: {name} must be a positive int; got 0"):
            LatentSVM(Digits()).set_params(**{name: 0}).fit(x, y)
    with pytest.raises(TypeError, match="needs a problem, a Structure such as .*; got 'digits'"):
        LatentSVM("digits").fit(x, y)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(ValueError, match="there are no samples. Give at least one of each class"):
        LatentSVM(Digits()).fit(x[:0], y[:0])
    with pytest.raises(ValueError, match="Digits: labels must be the .* with .* of each; got"):
        LatentSVM(Digits()).fit(x, np.zeros(N, int))
    with pytest.raises(ValueError, match="there are 80 samples and 3 latent values h"):
        LatentSVM(Digits()).fit(x, y, h=h[:3])
    with pytest.raises(
        ValueError, match=r"Digits: labels must be .*shape \(n,\); got shape \(80, 1"
    ):
        LatentSVM(Digits()).fit(x, y[:, None])
    with pytest.raises(TypeError, match="LatentSVM: search must be a Search or None; got 'cccp'"):
        LatentSVM(Digits(), search="cccp").fit(x, y)  # type: ignore[arg-type]  # on purpose
    svm = LatentSVM(Digits(), search=Search(age=None), random_state=0).fit(x, y)
    with pytest.raises(ValueError, match="score: there are 80 inputs and 1 labels"):
        svm.score(x, [1])
