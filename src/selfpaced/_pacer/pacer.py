"""``Pacer``: takes a loss per sample, returns a scalar, and remembers every sample."""

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from selfpaced._errors import require, require_positive_int, values_can_be_read
from selfpaced._evidence import of_likelihoods
from selfpaced._memory.columns import expand, lasting
from selfpaced._memory.dynamics import check_logits, without_nan
from selfpaced._memory.ledger import Ledger
from selfpaced._memory.ring import Ring
from selfpaced._pacer.batch import (
    Closure,
    Weighed,
    address,
    flag_below,
    flag_scores,
    raise_flagged,
    read_scores,
)
from selfpaced._pacer.checks import (
    NO_INDEX,
    check_score,
    raise_out_of_range,
    require_features,
    require_fit,
)
from selfpaced._pacer.history import History, Row, describe
from selfpaced._pacer.notebook import as_html
from selfpaced._pacer.reduction import Reduction, reduce_weighted
from selfpaced._pacer.signs import Signs, raise_untrained, require_drawn
from selfpaced._pacer.state import Plain, begun, read, require_whole, state_of, state_of_all
from selfpaced._public import public
from selfpaced._saved import Assign, assign_all
from selfpaced.age import Auto
from selfpaced.chain import Age, Coupling, Difficulty, Population, Weighting
from selfpaced.difficulty import Smoothed
from selfpaced.weighting import Hard

Decide = Literal["batch", "step"]  # when the weights are decided


def require_pacer(pacer: object, owner: str) -> None:
    """Raise ``TypeError`` unless the object is a Pacer."""
    if not isinstance(pacer, Pacer):
        raise TypeError(f"{owner} expects a Pacer; got {type(pacer).__name__}.")


@public("selfpaced")
class Pacer(Plain):
    """Weigh each sample's loss by its difficulty, easy samples first.

    Call it with the losses of a batch instead of ``loss.mean()``. Call ``step`` once an epoch, like
    a learning-rate scheduler. In eval mode it returns the plain mean and remembers nothing: call
    ``pacer.eval()`` and ``pacer.train()`` where you call those of the model.

    Ages count steps. If you step more often than once an epoch, a schedule runs faster, but the
    warm-up of ``Auto`` still waits until samples were visited three times in the mean.

    An optimizer that calls a closure several times on a batch (L-BFGS, SAM) minimises one
    objective: repeated calls with the same index tensor use the weights of the first. Give two
    losses of the same samples, as of two views, index tensors of their own (``index.clone()``).
    Under ``torch.compile`` each call decides anew.

    Args:
        n_samples: Size of the dataset. Without it no index is needed: ages are computed from the
            last 10,000 losses, and there are no suspects.
        weighting: The rule that computes the weight from difficulty and age.
        age: Computes the age at each ``step``; with None you set ``current_age`` yourself.
        difficulty: Computes the difficulty from the losses.
        couple: A regulariser that ties samples together; only with ``decide="step"``.
        columns: Per-sample constants by name, each of shape (n_samples,): tensors, arrays, lists,
            or columns of data frames, which are read by position. "group" holds class labels
            (whole numbers from 0): ``Auto`` then protects each class. "sample_weight" multiplies
            the weights and counts as mass in shares. Parts can read others, such as "prior".
        decide: "batch" computes the weights of each batch from its losses and the age of the last
            step; "step" fixes the weights of all samples at ``step`` (the alternating search of
            the papers).
        reduction: "mean" divides by the batch size (the objective of the papers), "kept" by the
            sum of weights; "sum" does not divide; "none" returns the weighted losses.
        skip_nan: Give samples with a NaN loss weight 0 instead of raising.

    Attributes:
        weight: The weights decided at the last ``step``, float32, shape (n_samples,); 1 for a
            sample never seen.
        current_age: The age, float32, shape () or (groups,); ``step`` overwrites it in place.
        importance: Multiplies the weights, float32, shape (n_samples,); None for 1. A sampler that
            visits some samples less often sets it, to keep the expected gradient.
        drawn: The indices that a sampler handed out in this epoch, int64; None without a sampler.
            ``step`` raises if the pacer has seen others.
        history: One dict per step.
        ledger: The memory of all samples.

    Raises:
        ValueError: For settings that do not fit together, and for bad batches.
        TypeError: For a dataset in place of its size, for columns that hold no numbers, for an
            index that is not int64, and for a loss that is not floating point.

    Warns:
        UserWarning: For a column that no part reads.

    Shape:
        loss (B,), index (B,) int64; the result is a scalar ("none": (B,)).

    References:
        Kumar, Packer, Koller, *Self-Paced Learning for Latent Variable Models*, NIPS 2010.

    >>> import torch
    >>> from selfpaced.age import Threshold
    >>> from selfpaced.pacing import Constant
    >>> pacer = Pacer(3, age=Threshold(Constant(1.0)))
    >>> pacer(torch.tensor([0.5, 4.0]), torch.tensor([0, 2]))
    tensor(0.2500)
    """

    plain = ("ledger", "weight", "current_age", "importance", "_bad")

    def __init__(
        self,
        n_samples: int | None = None,
        *,
        weighting: Weighting = Hard(),
        age: Age | None = Auto(),
        difficulty: Difficulty = Smoothed(0.7),
        couple: Coupling | None = None,
        columns: Mapping[str, object] | None = None,
        decide: Decide = "batch",
        reduction: Reduction = "mean",
        skip_nan: bool = False,
    ) -> None:
        """Check the settings and start an empty ledger."""
        super().__init__()
        self.n_samples, self.weighting, self.age = n_samples, weighting, age
        self.difficulty, self.couple, self.skip_nan = difficulty, couple, skip_nan
        self.decide, self.reduction = decide, reduction
        require_fit(self, columns)
        self.ledger = Ring() if n_samples is None else Ledger(n_samples, columns)
        self._has_mass = "sample_weight" in self.ledger.columns
        with lasting():
            self.weight = torch.ones(self.ledger.n_samples, dtype=torch.float32)
            keeps_all = torch.full((), math.inf, dtype=torch.float32)
            self.current_age = keeps_all if age is None else age.first(self.ledger.columns)
            self._bad = torch.tensor([0, -1])
        self.history = History()
        self.importance: Tensor | None = None
        self.drawn: Tensor | None = None
        self.steps = 0
        self._signs, self._closure = Signs(), Closure()

    def forward(
        self,
        loss: Tensor,
        index: Tensor | None = None,
        *,
        difficulty: Tensor | None = None,
        denominator: Tensor | float | None = None,
        logits: Tensor | None = None,
        target: Tensor | None = None,
        probabilities: bool = False,
        features: Tensor | None = None,
    ) -> Tensor:
        """Return the weighted loss of a batch and remember its losses.

        Args:
            loss: One per sample, shape (B,).
            index: Dataset indices, int64, shape (B,). If an index occurs twice, the last loss is
                remembered, and each place is weighed by its own loss.
            difficulty: Judges the samples in place of the loss, shape (B,); lower is easier. The
                ledger keeps it in place of the loss, for suspects and history too.
            denominator: Divides the sum in place of the divisor of ``reduction``, if you know the
                whole step: with gradient accumulation or several ranks.
            logits: Shape (B, C); with the target they are remembered too, see ``observe``.
            target: Class labels, int64, shape (B,).
            probabilities: Remember a mean probability per class too, see ``observe``.
            features: What ``difficulty=LeaveOneOut()`` predicts the labels from, shape (B, F): the
                activations of the model's last hidden layer, or of several. No gradient flows.

        Returns:
            A scalar, or shape (B,) for ``reduction="none"``.

        Raises:
            TypeError: For a loss that is not floating point, and for an index that is not int64.
            ValueError: For shapes that do not fit, an empty batch, a NaN loss, an index out of
                range, a missing index, a denominator with ``reduction="none"``, or logits that do
                not fit; in training mode without gradients.
        """
        if not self.training:
            return loss.mean()
        if not torch.is_grad_enabled():
            raise_untrained()
        if denominator is not None and self.reduction == "none":
            raise ValueError(
                'Pacer: a denominator divides a sum, but reduction="none" does not sum. Use "sum".'
            )
        score = loss
        if difficulty is not None:
            check_score(difficulty, loss)
            score = torch.where(loss.detach().isnan(), torch.nan, difficulty)
        batch = self._see(loss, score, index, logits, target, probabilities, features)
        weight = batch.weight
        if not torch.compiler.is_compiling():
            weight, repeats = self._closure.weight_of(batch, index, self._decided())
            if not repeats:
                self._signs.batch(loss.shape[0], self.n_samples, difficulty is not None)
        finite = batch.finite and difficulty is None
        return reduce_weighted(loss, weight, self.reduction, denominator, finite=finite)

    @torch.no_grad()
    def observe(
        self,
        loss: Tensor,
        index: Tensor | None = None,
        logits: Tensor | None = None,
        target: Tensor | None = None,
        *,
        probabilities: bool = False,
        features: Tensor | None = None,
    ) -> None:
        """Remember losses without training on them, as in a scoring pass before ``step``.

        Args:
            loss: One per sample, shape (B,).
            index: Dataset indices, int64, shape (B,).
            logits: Shape (B, C); with the target, ``ledger.dynamics`` remembers margin,
                correctness and forgetting.
            target: Class labels, int64, shape (B,).
            probabilities: Remember a mean probability per class too, from which labels are
                suggested: 8 bytes per sample and class. The first call with logits decides.
            features: As in ``forward``, shape (B, F).

        Raises:
            TypeError: As in ``forward``.
            ValueError: As in ``forward``; for logits without a target, or that do not fit.
        """
        self._see(loss, loss, index, logits, target, probabilities, features)

    @torch.no_grad()
    def step(self) -> None:
        """Advance by one step: merge ranks, fold in the losses, compute the age and the weights.

        Call it after each epoch, on all ranks.

        Raises:
            ValueError: If nothing was observed since the last step; if an accelerator met bad
                values (the message gives their number and the first bad index); if the samples
                that were seen are not those that a sampler drew, or are the same on all ranks.

        Warns:
            UserWarning: Once for each sign that the loop does not do what its user means, such as
                samples that are never seen, or a step in which nothing was kept.
        """
        raise_flagged(self._bad, self.ledger.n_samples, self.weighting)
        require_drawn(self.drawn, self.ledger.waiting)
        owners = self.ledger.merge()
        visited = self.ledger.waiting
        require(
            bool(visited.any()),
            "Pacer.step: nothing was observed since the last step. Call it after an epoch of "
            "pacer(loss, index) in training mode, or of pacer.observe.",
        )
        before = self.ledger.before(self.difficulty)
        if before is not None:
            drawn = 0 if self.drawn is None else len(self.drawn)
            self._signs.at_step(visited, before, self.ledger.loss, drawn)
        if self.difficulty.labels is not None:
            mass = self.ledger.columns["sample_weight"] if self._has_mass else 1.0
            self.ledger.judge(self.difficulty.labels, self.weight * mass, owners)
        self.ledger.commit(self.difficulty, self._evidence)
        self.steps += 1
        seen, population = self.ledger.population(self.difficulty)
        population = population._replace(
            expansion=expand(self.weight[seen] == 0, visited[seen]),
            probes=self._probes(self.history),
            before=None if before is None else before[seen],
        )
        if before is not None:
            had = self._had(population, seen)[visited[seen]]
            self._signs.after_step(self.ledger.visits, visited, had)
        self._signs.forget()
        self._closure, self.drawn = Closure(), None
        probing = False
        if self.age is not None:
            probing = self.age.probing(self.steps, population, self.current_age)
            self.current_age.copy_(self.age(self.steps, population, self.current_age))
        weight = self._decide(population)
        if self.n_samples is not None:
            self.weight[seen] = weight
        loss = self.ledger.loss[seen]
        row = describe(self.steps, self.current_age, population, weight, loss)
        self.history.append(row | {"probe": probing})

    def _repr_html_(self) -> str:
        """Return the pacer for a notebook: its settings, what it has seen, and its last step."""
        return as_html(self)

    def suspects(self, k: int) -> Tensor:
        """Return the k samples whose labels are most probably wrong, most suspicious first.

        Args:
            k: Number of samples; fewer are returned if fewer were seen.

        Returns:
            Dataset indices, int64, shape (k,), sorted by ``ledger.suspicion``, a mean loss. Of
            ties the lower index comes first.

        Raises:
            TypeError: For a k that is not an int.
            ValueError: For a k below 1, for a pacer without ``n_samples``, and for one whose own
                state was not loaded with that of the module around it.
        """
        require_positive_int("k", k, "Pacer.suspects")
        require(
            self.n_samples is not None,
            "Pacer.suspects needs n_samples; make the pacer as Pacer(len(dataset)) and "
            "give it the index.",
        )
        self._require_own_state()
        if not self.steps:
            self._signs.tell(
                "suspects",
                "Pacer.suspects: there are none before the first step. Call pacer.step() after "
                "each epoch.",
            )
        return self.ledger.suspects(k)

    @property
    def mean_loss(self) -> float:
        """The mean of the last losses of all seen samples, without weights; NaN before a step.

        Where ``difficulty`` was given, these are the difficulties.

        The loss that is minimised falls when samples are left out and rises when they come back.
        Give this number to what watches the training, such as ``ReduceLROnPlateau`` or early
        stopping.
        """
        mean = self.history[-1]["mean_loss"] if self.history else math.nan
        return mean if isinstance(mean, float) else math.nan

    def gathered_state_dict(self) -> dict[str, Any]:
        """Return the ``state_dict`` of all ranks together, the same on every rank.

        Between steps each rank only knows the samples that it has seen: a checkpoint of one rank
        would lose the others, and ``state_dict`` raises. Call this on all ranks.
        ``load_state_dict`` takes it on all ranks, also with another number of ranks. The run itself
        does not change.
        """
        return {"_extra_state": (state_of_all(self),)}

    def extra_repr(self) -> str:
        """Return the settings and the number of steps, for ``repr``."""
        slots = f"weighting={self.weighting}, age={self.age}, difficulty={self.difficulty}"
        return f"n_samples={self.n_samples}, {slots}, steps={self.steps}"

    def _see(
        self,
        loss: Tensor,
        score: Tensor,
        index: Tensor | None,
        logits: Tensor | None,
        target: Tensor | None,
        probabilities: bool,
        features: Tensor | None,
    ) -> Weighed:
        """Weigh the batch and remember it, with its logits and features if there are any."""
        if self._awaited is not None:
            self._require_own_state()
        if features is not None or self.difficulty.labels is not None:
            features = require_features(self.difficulty, features, loss, self.ledger.features)
        if logits is None and target is None:
            batch = self._weigh(loss, score, index)
        elif logits is None or target is None:
            raise ValueError("Pacer needs logits and target together; got one of them.")
        else:
            usable = self._usable(loss, logits, target)
            batch = self._weigh(loss, score, index)
            both = [part for part in (usable, batch.valid) if part is not None]
            valid = torch.stack(both).all(0) if both else None
            self.ledger.observe(batch.place, logits.detach(), target, probabilities, valid)
        if features is not None:
            self.ledger.keep(batch.place, features, batch.valid)
        return batch

    def _usable(self, loss: Tensor, logits: Tensor, target: Tensor) -> Tensor | None:
        """Check logits and targets; return which rows can be remembered, None for all."""
        if self.n_samples is None:
            raise ValueError(NO_INDEX)
        kept = self.ledger.dynamics
        check_logits(loss, logits, target, 0 if kept is None else kept.probability.shape[1])
        return without_nan(logits.detach(), skip_nan=self.skip_nan)

    def _own_state(self) -> dict[str, Any]:
        """Return all that a checkpoint needs: ledger, age, weights, steps and history."""
        require_whole(self)
        return state_of(self)

    def _read_own_state(self, state: object) -> Assign:
        """Check a checkpoint; return the function that restores it exactly.

        Raises:
            ValueError: For a checkpoint of another number of samples or groups, cut short, of a
                newer version, or damaged.
        """
        return assign_all([read(self, state), self._forget])

    def _forget(self) -> None:
        """Forget what was counted before a state was loaded."""
        self._signs.forget()
        self._closure = Closure()

    def _begun(self) -> Tensor:
        """Return the number of steps, or 1 if a loss is known before the first; 0 if new."""
        return begun(self)

    def _weigh(self, loss: Tensor, score: Tensor, index: Tensor | None) -> Weighed:
        """Weigh the batch and write it into the ledger."""
        place = address(self.ledger, loss, index)
        score, free = score.detach().float(), values_can_be_read(score)
        valid, finite = None, False
        if free:
            score, valid, finite = read_scores(score, index, skip_nan=self.skip_nan)
        else:
            place, score, valid = flag_scores(
                score, place, self.ledger.n_samples, self._bad, skip_nan=self.skip_nan
            )
        try:
            rows = self.ledger.rows(place)
        except IndexError:
            raise_out_of_range(place, self.ledger.n_samples)
        weight, low = self.weight, self.weighting.difficulty_domain.low
        bounded = low > -math.inf
        if self.decide == "batch" or bounded:
            d = self.difficulty(self.difficulty.fold(score, rows), rows)
            if bounded and valid is not None and not free:
                valid = flag_below(low, d, place, valid, self._bad)
            weight = self.weighting(d, self._age_of(rows.columns))  # checks the domain too
        if self.decide == "step":
            weight = self.weight.index_select(0, place)
        self.ledger.write(place, score, valid)
        if self._has_mass:
            weight = weight * rows.columns["sample_weight"]
        if self.importance is not None:
            weight = weight * self.importance.index_select(0, place)
        weight = weight if valid is None else torch.where(valid, weight, 0.0)
        return Weighed(weight, finite, place, valid)

    def _decided(self) -> tuple[int, ...]:
        """Return numbers that change when what the weights are computed from is set."""
        age, importance = self.current_age, self.importance
        return id(age), age._version, id(importance), self.weight._version

    def _had(self, population: Population, seen: Tensor) -> Tensor:
        """Return the weights that the seen samples had in the step that ends, shape (n,)."""
        if self.decide == "step":
            return self.weight[seen]
        return self.weighting(population.difficulty, self._age_of(population.columns))

    def _evidence(self, loss: Tensor) -> float:
        """Return how much the losses of this step count in the ranking of suspects.

        0 if this step or the one before was a probe of the age: the model needs a step to recover.
        """
        if self.age is None:
            return of_likelihoods(loss, self._classes())
        recovers = self._probes(self.history[-2:]) > 0
        return 0.0 if recovers else self.age.evidence(loss, self._classes())

    def _probes(self, rows: list[Row]) -> int:
        """Return how many of these rows of the history are of a probe of the age."""
        return sum(bool(row.get("probe", False)) for row in rows)

    def _classes(self) -> int | None:
        """Return the number of classes if class labels or probabilities are known, else None."""
        if self.current_age.ndim:
            return len(self.current_age)
        dynamics = self.ledger.dynamics
        return None if dynamics is None else dynamics.probability.shape[1]

    def _age_of(self, columns: Mapping[str, Tensor]) -> Tensor:
        """Return the age of each sample: shape () or (B,)."""
        if self.current_age.ndim == 0 or self.age is None or self.age.by is None:
            return self.current_age
        return self.current_age.index_select(0, columns[self.age.by])

    def _decide(self, population: Population) -> Tensor:
        """Weigh all seen samples at the new age, float32, shape (n,)."""
        age = self._age_of(population.columns)
        d = population.difficulty
        if self.couple is not None:
            d = self.couple(d, population, self.weighting, age)
        weight = self.weighting(d, age)
        if self.weighting.binary and self.couple is None and self.age is not None:
            return self.age.settle(weight, self.steps, population, age)
        return weight
