"""A self-paced training of a network; it can be stopped, saved and continued."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from selfpaced._errors import require
from selfpaced._ranks import extremes
from selfpaced._sampling.indexed import Indexed
from selfpaced._saved import Assign, Saved, require_generator
from selfpaced.audit._learning.adam import Adam, read_adam
from selfpaced.audit._learning.aims import Aim
from selfpaced.audit._learning.batches import Batches, loader, spread
from selfpaced.audit._learning.machine import Alone, Machine, share_batch
from selfpaced.audit._learning.networks import Copies
from selfpaced.audit._learning.settings import Settings, require_same
from selfpaced.audit._learning.shifts import shifted

# Called after each epoch with its number, the number of epochs, and the kept share.
Watch = Callable[[int, int, float], None]
# The error for a model whose outputs are not finite.
DIVERGED = (
    "The training diverged: the model returns NaN or infinity. Lower the learning rate "
    "(learning_rate=...), or look for NaN in a model of your own."
)
# The version and the keys of a saved state.
VERSION = 1
KEYS = {
    *("model", "optimizer", "scaler", "pacer", "settings"),
    *("epoch", "position", "order", "random"),
}


class Training:
    """A self-paced training, from its first batch to its last.

    Args:
        dataset: Its items begin with the input; the rest of an item is ignored.
        model: Maps a batch of inputs to outputs. It is trained in place; with folds, copies of it
            are trained, one for each fold.
        labels: Shape (n,): int64 for classes, float32 for numbers.
        aim: Whether classes or numbers are learned.
        settings: The settings of the training.
        machine: The device or processes to run on; None for the device that the model is on.
        groups: Rows with the same number are in one fold, such as copies of a row, shape (n,); None
            for rows of their own.

    With ``settings.folds``, a batch has rows of one fold. The copies of the other folds learn from
    it, and the copy of this fold judges its labels, which it never learns.

    Attributes:
        model: The model, or its copies.
        pacer: The pacer of the training.
        epoch: Number of finished epochs.
        position: Number of finished batches of the current epoch.
    """

    def __init__(
        self,
        dataset: Indexed,
        model: nn.Module,
        labels: Tensor,
        aim: Aim,
        settings: Settings,
        machine: Machine | None = None,
        groups: NDArray[np.int64] | None = None,
    ) -> None:
        """Start before the first batch."""
        parameters = list(model.parameters())
        device = parameters[0].device if parameters else torch.device("cpu")
        self.machine = Alone(device) if machine is None else machine
        self.labels, self.aim, self.settings = labels, aim, settings
        self._fold: Tensor | None = None
        if settings.folds:
            fold = spread(labels.cpu().numpy(), settings.folds, settings.seed, groups)
            self._fold, model = torch.from_numpy(fold), Copies(model, settings.folds)
        rate = settings.learning_rate
        alone = isinstance(self.machine, Alone)  # Accelerate wraps an optimizer of torch only
        make = Adam if alone else partial(torch.optim.Adam, fused=True)
        optimizer = make(model.parameters(), lr=rate)
        self._model, self._optimizer = self.machine.prepare(model.train(), optimizer)
        self.model = model
        self.pacer = aim.pacer(labels, held_out=bool(settings.folds)).to(self.machine.device)
        self.batches = Batches(
            len(labels),
            settings.batch_size,
            settings.seed,
            process=self.machine.process_index,
            processes=self.machine.num_processes,
            fold=self._fold,
        )
        self._loader = loader(dataset, self.batches, settings.workers)
        self.epoch = self.position = 0
        self._order = self.batches.generator.get_state()
        with torch.random.fork_rng():
            torch.manual_seed(settings.seed)
            self._random = random_state(self.machine.device)

    @property
    def held_out(self) -> dict[str, NDArray[np.float32]]:
        """The probabilities of the classes for each row by a copy that did not learn its label.

        The key is "network", the shape (n, classes). They are means over the epochs, which count
        the more, the lower their losses are. Empty without folds.
        """
        dynamics = self.pacer.ledger.dynamics
        if not self.settings.folds or dynamics is None:
            return {}
        return {"network": dynamics.probability.cpu().numpy()}

    @property
    def predicted(self) -> None:
        """None: a network learns all numbers."""
        return None

    @property
    def pulses(self) -> int:
        """The number of calls of ``pulse`` of the whole training."""
        return len(self.batches) * self.settings.epochs

    @property
    def done(self) -> int:
        """The number of calls of ``pulse`` so far."""
        return len(self.batches) * self.epoch + self.position

    def run(self, watch: Watch | None = None, pulse: Callable[[], bool] = lambda: False) -> bool:
        """Train to the last epoch, or until ``pulse`` returns True.

        Args:
            watch: Called after each epoch with its number, ``epochs`` and the kept share; it may
                save ``state_dict``.
            pulse: Called after each batch; if it returns True, the training stops after this
                batch. With several processes, all of them stop at the end of the epoch in which
                ``pulse`` of one of them returned True.

        Returns:
            Whether the training is finished.
        """
        with torch.random.fork_rng():
            set_random_state(self._random, self.machine.device)
            going = True
            while going and self.epoch < self.settings.epochs:
                going = self._train_epoch(pulse)
                self._random = random_state(self.machine.device)
                if watch is not None and self.position == 0:
                    kept = float((self.pacer.weight > 0).float().mean())
                    watch(self.epoch, self.settings.epochs, kept)
        return self.epoch == self.settings.epochs

    def state_dict(self) -> dict[str, Any]:
        """Return everything needed to continue bit for bit."""
        return {
            "version": VERSION,
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": None if self.machine.scaler is None else self.machine.scaler.state_dict(),
            "pacer": self.pacer.state_dict(),
            "settings": asdict(self.settings),
            "epoch": self.epoch,
            "position": self.position,
            "order": self._order,
            "random": self._random,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved state; on an error nothing changes.

        Raises:
            ValueError: For a state that is incomplete, of another number of samples, of other
                settings, of a newer version, or damaged.
        """
        self._read(state)()

    def _read(self, state: object) -> Assign:
        """Check a state; return the function that continues from it."""
        saved = Saved(state, "Training", KEYS, newest=VERSION)
        require_same(saved["settings"], self.settings)
        epoch = saved.count("epoch", most=self.settings.epochs)
        most = len(self.batches) if epoch < self.settings.epochs else 0
        position = saved.count("position", most=most)
        order = require_generator(saved, "order", saved["order"], torch.device("cpu"))
        random = _read_random(saved, self.machine.device)
        saved.require_like("model", saved["model"], self.model.state_dict())
        _require_finite(saved, self.model)
        adam = read_adam(saved["optimizer"], list(self.model.parameters()))
        scaler = self.machine.scaler
        if scaler is not None:
            saved.require_like("scaler", saved["scaler"], scaler.state_dict())
        pacer = self.pacer._read(saved["pacer"])

        def assign() -> None:
            """Assign what was read."""
            self.model.load_state_dict(saved["model"])
            pacer()
            self._optimizer.load_state_dict({**saved["optimizer"], "state": adam})
            if scaler is not None:
                scaler.load_state_dict(saved["scaler"])
            self.epoch, self.position = epoch, position
            self._order, self._random = order, random
            self.batches.generator.set_state(order)

        return assign

    def _train_epoch(self, pulse: Callable[[], bool]) -> bool:
        """Train to the end of the epoch; return whether to continue."""
        self._order, self.batches.start = self.batches.generator.get_state(), self.position
        asked, several = False, self.machine.num_processes > 1
        for index, x, *_ in self._loader:
            self._update(index, x)
            self.position += 1
            asked = pulse() or asked
            if asked and not several:
                return False
        self.pacer.step()
        self.epoch, self.position = self.epoch + 1, 0
        self._order = self.batches.generator.get_state()
        return not (several and extremes([int(asked)], self.machine.device)[1][0])

    def _update(self, index: Tensor, x: Tensor) -> None:
        """Take one step of the optimizer on a batch; the pacer records the losses."""
        machine, denominator = self.machine, None
        if machine.num_processes > 1:
            rows = self.batches.rows(self.position)
            share_batch(self.model, rows, machine.process_index, machine.num_processes)
            denominator = rows / machine.num_processes  # gradients are averaged over processes
        x, y = x.to(machine.device), self.labels[index].to(machine.device)
        learned = self._shifted(x)
        if self._fold is None:
            own, out, held_out = None, self._model(learned), None
        else:
            own = int(self._fold[index[0]])
            out, held_out = self._model(x, own, learned)
        at = index.to(machine.device)
        try:
            total = self.aim.total(self.pacer, out, at, y, denominator, held_out)
        except ValueError:
            require(bool(out.isfinite().all()), DIVERGED)
            raise
        self._optimizer.zero_grad()
        machine.backward(total)
        if own is not None:  # with a gradient of 0, Adam would go on by its momentum
            cast(Copies, self.model).networks[own].zero_grad()
        self._optimizer.step()

    def _shifted(self, x: Tensor) -> Tensor:
        """Return the images that the model learns from, shifted if the settings say so."""
        shift, machine = self.settings.shift, self.machine
        if not shift:
            return x
        rows = self.batches.rows(self.position)
        return shifted(x, shift, rows, machine.process_index, machine.num_processes)


def _read_random(saved: Saved, device: torch.device) -> list[Tensor]:
    """Return the states of torch's random number generators in a state."""
    states, most = saved["random"], 1 if device.type == "cpu" else 2
    holds = isinstance(states, list | tuple) and len(states) > 0
    saved.require("random", holds, "a list of states of random number generators", states)
    devices = [torch.device("cpu"), device][:most]
    pairs = zip(states, devices, strict=False)  # a state of a CUDA device is not for a CPU
    return [require_generator(saved, "random", state, where) for state, where in pairs]


def _require_finite(saved: Saved, model: nn.Module) -> None:
    """Raise for parameters of a state that are NaN or infinite."""
    for name, _ in model.named_parameters():
        finite = bool(saved["model"][name].isfinite().all())
        saved.require("model", finite, f"finite in {name}", saved["model"][name])


def random_state(device: torch.device) -> list[Tensor]:
    """Return the states of torch's random number generators: of the CPU, and of a CUDA device."""
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    return states


def set_random_state(states: list[Tensor], device: torch.device) -> None:
    """Restore the states that ``random_state`` returned."""
    torch.set_rng_state(states[0])
    if device.type == "cuda" and len(states) > 1:
        torch.cuda.set_rng_state(states[1], device)
