"""Adam without the import of torch._dynamo, which takes seconds."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim.adam import adam

from selfpaced._saved import Saved

# The decay of the two averages, and what is added to the denominator: the defaults of torch.
DECAY = (0.9, 0.999)
LEAST = 1e-8


class Adam:
    """``torch.optim.Adam`` with default settings: the same steps, and the same form of state.

    ``torch.optim.Optimizer`` imports torch._dynamo when it is made. Its functions do not.

    Args:
        parameters: The parameters to train.
        lr: The learning rate.

    References:
        Kingma, Ba, *Adam: A Method for Stochastic Optimization*, ICLR 2015.

    >>> weight = Parameter(torch.ones(1))
    >>> (2 * weight).sum().backward()
    >>> Adam([weight], lr=0.1).step()
    >>> weight.round(decimals=3)
    tensor([0.9000], grad_fn=<RoundBackward1>)
    """

    def __init__(self, parameters: Iterable[Parameter], lr: float) -> None:
        """Start before the first step."""
        self._parameters, self._lr = list(parameters), lr
        self._state: dict[int, dict[str, Tensor]] = {}

    @torch.no_grad()
    def step(self) -> None:
        """Change all parameters that have a gradient."""
        trained = [place for place, one in enumerate(self._parameters) if one.grad is not None]
        states = [self._of(place) for place in trained]
        adam(
            [self._parameters[place] for place in trained],
            [self._parameters[place].grad for place in trained],  # type: ignore[misc]  # not None
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=True,
            amsgrad=False,
            beta1=DECAY[0],
            beta2=DECAY[1],
            lr=self._lr,
            weight_decay=0.0,
            eps=LEAST,
            maximize=False,
        )

    def zero_grad(self) -> None:
        """Remove all gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Return the state as ``torch.optim.Adam`` does, which can load it."""
        group = {
            "lr": self._lr,
            "betas": DECAY,
            "eps": LEAST,
            "weight_decay": 0,
            "amsgrad": False,
            "maximize": False,
            "foreach": None,
            "capturable": False,
            "differentiable": False,
            "fused": True,
            "decoupled_weight_decay": False,
            "params": list(range(len(self._parameters))),
        }
        return {"state": self._state, "param_groups": [group]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state, of this class or of ``torch.optim.Adam``.

        Raises:
            ValueError: For a state of other parameters, or a damaged one; nothing changes.
        """
        self._state = read_adam(state, self._parameters)

    def _of(self, place: int) -> dict[str, Tensor]:
        """Return the state of a parameter; zeros before its first step."""
        if place not in self._state:
            parameter = self._parameters[place]
            self._state[place] = {
                "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
        return self._state[place]


def read_adam(state: object, parameters: list[Parameter]) -> dict[int, dict[str, Tensor]]:
    """Return a copy of the averages in a state, by the place of the parameter, on its device.

    Raises:
        ValueError: For a state of other parameters, or a damaged one.
    """
    saved = Saved(state, "Adam", {"state", "param_groups"})
    groups, whole = saved["param_groups"], list(range(len(parameters)))
    fits = isinstance(groups, list) and len(groups) == 1 and isinstance(groups[0], dict)
    holds = fits and groups[0].get("params") == whole
    saved.require("param_groups", holds, f"one group of {len(whole)} parameters", groups)
    holds = isinstance(saved["state"], dict) and saved["state"].keys() <= {*whole}
    saved.require("state", holds, f"of the parameters 0 to {len(whole) - 1}", saved["state"])
    return {place: _read_one(one, parameters[place]) for place, one in saved["state"].items()}


def _read_one(state: object, parameter: Parameter) -> dict[str, Tensor]:
    """Return a copy of the averages of a parameter."""
    saved = Saved(state, "Adam", {"step", "exp_avg", "exp_avg_sq"}, name="state of a parameter")
    shape, dtype = tuple(parameter.shape), parameter.dtype
    read = {
        "step": saved.tensor("step", torch.float32, (), low=0),
        "exp_avg": saved.tensor("exp_avg", dtype, shape),
        "exp_avg_sq": saved.tensor("exp_avg_sq", dtype, shape, low=0),
    }
    return {name: tensor.clone().to(parameter.device) for name, tensor in read.items()}
