"""States in the hands of other programs: distributed checkpoints, models, averages, other modes."""

import copy
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_model, save_model
from torch import Tensor, nn
from torch.distributed.checkpoint.default_planner import DefaultLoadPlanner
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, TensorDataset

from selfpaced import Indexed, PacedSampler, Pacer, SPLLoss
from selfpaced._pacer import state as state_module
from selfpaced.age import Quantile
from selfpaced.pacing import Constant

N = 60
ALL = torch.arange(N)
State = dict[str, Tensor]


class Net(nn.Module):
    """A user's model with the pacer as a part of it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Linear(3, 2)
        self.pacer = Pacer(N)


def used() -> Net:
    """A model whose pacer has stepped, and has seen samples since."""
    net = Net()
    see(net.pacer)
    net.pacer.step()
    see(net.pacer, 10)
    return net


def see(pacer: Pacer, n_samples: int = N) -> None:
    pacer(torch.linspace(0.1, 2.0, n_samples), ALL[:n_samples])


def assert_same(one: Pacer, other: Pacer) -> None:
    assert torch.equal(one.ledger.packed.nan_to_num(-1), other.ledger.packed.nan_to_num(-1))
    assert one.steps == other.steps and one.history == other.history


class Training:
    """A user's loop, with or without logits, that may stop within an epoch."""

    def __init__(self, *, logits: bool) -> None:
        torch.manual_seed(0)
        self.logits = logits
        self.model = nn.Linear(3, 2)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.05)
        self.pacer = Pacer(N, age=Quantile(Constant(0.6)))
        self.sampler = PacedSampler(self.pacer)

    @property
    def parts(self) -> dict[str, Any]:
        names = ("model", "optimizer", "pacer", "sampler")
        return {name: getattr(self, name) for name in names}

    def run(self, steps: int, stop: int = -1) -> None:
        x = torch.randn(N, 3, generator=torch.Generator().manual_seed(0))
        loader = DataLoader(
            Indexed(TensorDataset(x, (x[:, 0] > 0).long())), 8, sampler=self.sampler
        )
        while self.pacer.steps < steps:
            for batch, (index, inputs, target) in enumerate(loader):
                out = self.model(inputs)
                loss = F.cross_entropy(out, target, reduction="none")
                given: dict[str, Any] = {"logits": out, "target": target} if self.logits else {}
                self.optimizer.zero_grad()
                self.pacer(loss, index, **given, probabilities=True).backward()
                self.optimizer.step()
                if (self.pacer.steps, batch) == (3, stop):
                    return
            self.pacer.step()


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("partial", [False, True])
def test_a_distributed_checkpoint_is_loaded_into_new_objects(
    tmp_path: Path, logits: bool, partial: bool
) -> None:
    whole, first, second = (Training(logits=logits) for _ in range(3))
    whole.run(6)
    first.run(6, stop=2)
    save(first.parts, checkpoint_id=tmp_path)
    for parameter in second.model.parameters():  # the optimizer needs a state to load into
        parameter.grad = torch.zeros_like(parameter)
    second.optimizer.step()
    planner = DefaultLoadPlanner(allow_partial_load=partial)
    load(second.parts, checkpoint_id=tmp_path, planner=planner)
    assert_same(first.pacer, second.pacer)
    second.run(6)
    assert_same(whole.pacer, second.pacer)
    assert torch.equal(whole.model.weight, second.model.weight)


def average(state: State) -> State:
    return {name: (value + value) / 2 for name, value in state.items()}


def moved(state: State) -> State:
    """As ModelEmaV2 of timm: copy into the tensors of another state."""
    mean = Net().state_dict()
    for old, new in zip(mean.values(), state.values(), strict=True):
        old.copy_(0.5 * old + 0.5 * new)
    return state


CHANGES: dict[str, Callable[[State], State]] = {
    "average": average,
    "half": lambda state: {name: value.half() for name, value in state.items()},
    "moving average": moved,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_state_of_a_model_is_of_tensors_and_its_pacer_is_saved_by_itself(
    change: Callable[[State], State],
) -> None:
    net, other = used(), Net()
    other.load_state_dict(change(net.state_dict()))
    other.pacer.load_state_dict(net.pacer.state_dict())
    assert_same(net.pacer, other.pacer)
    see(other.pacer, 4)


@pytest.mark.parametrize("model_first", [True, False])
def test_the_two_states_are_loaded_in_any_order(model_first: bool) -> None:
    net, other = used(), Net()
    loads = [(other, net.state_dict()), (other.pacer, net.pacer.state_dict())]
    for module, state in loads if model_first else loads[::-1]:
        module.load_state_dict(state)
    see(other.pacer, 4)
    assert other.pacer.steps == 1


def test_on_a_new_rank_that_owns_no_waiting_loss_both_states_are_loaded_in_any_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = Net()
    see(net.pacer)
    model, own = net.state_dict(), net.pacer.state_dict()
    monkeypatch.setattr(state_module, "world_size", lambda: 2)
    monkeypatch.setattr(state_module, "rank_here", lambda: 1)
    other = Net()
    other.pacer.load_state_dict(own)
    other.load_state_dict(model)
    assert not other.pacer.ledger.waiting.any()
    see(other.pacer, 4)
    assert int(other.pacer.ledger.waiting.sum()) == 4


def test_the_part_of_a_models_state_is_not_the_own_state_of_a_pacer() -> None:
    part = {"_extra_state": used().state_dict()["pacer._extra_state"]}
    pacer = Pacer(N)
    with pytest.raises(ValueError, match="saved when the Pacer was in use, and this one is new"):
        pacer.load_state_dict(part)
    see(pacer)  # nothing has changed, so nothing is awaited


@pytest.mark.parametrize(
    "damaged", [torch.tensor(-1), torch.tensor(torch.nan), torch.ones(2), torch.tensor(1j)]
)
def test_a_models_state_with_a_damaged_number_of_steps_is_refused(damaged: Tensor) -> None:
    net = Net()
    state = net.state_dict() | {"pacer._extra_state": damaged}
    with pytest.raises(ValueError, match="'_extra_state' of the state must be a number of steps"):
        net.load_state_dict(state)


def test_unknown_keys_of_a_module_change_nothing() -> None:
    net, criterion = used(), SPLLoss(torch.ones(2), n_samples=2)
    criterion.threshold = 5.0
    state = criterion.state_dict()
    other, classic = Pacer(N), SPLLoss(torch.zeros(2), n_samples=2)
    with pytest.raises(RuntimeError, match="Unexpected key"):
        other.load_state_dict(net.pacer.state_dict() | {"more": torch.ones(1)})
    assert other.steps == 0 and other.ledger.loss.isnan().all()
    with pytest.raises(RuntimeError, match="Unexpected key"):
        classic.load_state_dict(state | {"more": torch.ones(1)})
    assert classic.threshold == 0.1 and classic.weight is not None and not classic.weight.any()


def test_safetensors_and_averaged_models_hold_a_model_with_a_pacer(tmp_path: Path) -> None:
    net, other = used(), Net()
    save_model(net, str(tmp_path / "net.safetensors"))
    load_model(other, tmp_path / "net.safetensors")
    averaged = AveragedModel(net, use_buffers=True)
    averaged.update_parameters(net)
    averaged.update_parameters(net)
    kept = averaged.module
    assert isinstance(kept, Net)
    assert_same(net.pacer, kept.pacer)
    with pytest.raises(ValueError, match="saved when the Pacer was in use, and this one is new"):
        see(other.pacer)


def test_a_new_pacer_is_refused_in_a_model_that_was_trained_with_one() -> None:
    other = Net()
    other.load_state_dict(used().state_dict())
    other.eval()
    see(other.pacer)  # evaluation needs no memory
    other.train()
    for use in (see, lambda pacer: pacer.observe(torch.ones(N), ALL), lambda p: p.suspects(3)):
        with pytest.raises(ValueError, match="load it with its load_state_dict"):
            use(other.pacer)
    again = Net()
    state = used().state_dict()
    del state["pacer._extra_state"]
    again.load_state_dict(state)
    see(again.pacer)


def test_a_used_pacer_is_refused_in_a_model_that_is_reset() -> None:
    net = Net()
    new = copy.deepcopy(net.state_dict())
    see(net.pacer)
    net.pacer.step()
    net.load_state_dict(new)
    with pytest.raises(ValueError, match="If you want it in use, remove the key that ends in"):
        see(net.pacer)


def test_weights_of_a_moving_average_may_be_swapped_in_for_a_validation() -> None:
    net = used()
    mean, mine = Net().state_dict(), net.state_dict()
    net.load_state_dict(mean)
    net.load_state_dict(mine)
    see(net.pacer, 4)


def test_a_pacer_that_was_compiled_alone_is_saved_whole() -> None:
    # torch.compile(pacer) names its keys in this way.
    first, second = (nn.Sequential(OrderedDict(_orig_mod=p)) for p in (used().pacer, Pacer(N)))
    second.load_state_dict(first.state_dict())
    one, other = first[0], second[0]
    assert isinstance(one, Pacer) and isinstance(other, Pacer)
    assert_same(one, other)


def test_an_empty_state_is_no_state_of_a_pacer() -> None:
    with pytest.raises(RuntimeError, match="Missing key.*_extra_state"):
        Pacer(N).load_state_dict({})


def test_a_classic_loss_is_saved_by_itself_as_well() -> None:
    log_p, target = torch.tensor([[0.99, 0.01], [0.01, 0.99]]).log(), torch.tensor([0, 1])
    first, second = SPLLoss(n_samples=2), SPLLoss(n_samples=2)
    first(log_p, target, target)
    nn.Sequential(second).load_state_dict(nn.Sequential(first).state_dict())
    with pytest.raises(ValueError, match="does not have the memory of the SPLLoss in it"):
        second(log_p, target, target)
    second.load_state_dict(first.state_dict())
    second(log_p, target, target)
    assert second.v.tolist() == [1, 1]


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("inside", [False, True])
def test_a_scoring_pass_in_inference_mode_is_one_without_gradients(
    logits: bool, inside: bool
) -> None:
    def run(mode: Callable[[], Any]) -> Pacer:
        given = (torch.randn(N, 3, generator=torch.Generator().manual_seed(0)), ALL % 3)
        with mode():
            columns = {"group": ALL % 3, "sample_weight": torch.ones(N)}
        with mode() if inside else torch.enable_grad():
            pacer = Pacer(N, columns=columns)
        with mode():
            pacer.observe(torch.linspace(0, 1, N).sqrt(), ALL, *(given if logits else ()))
            pacer.step()
            pacer.to("cpu").load_state_dict(pacer.state_dict())
        loss = torch.linspace(0, 1, N, requires_grad=True) * 1.0
        named = {"logits": given[0], "target": given[1]} if logits else {}
        for index in PacedSampler(pacer):
            place = torch.tensor([index])
            pacer(loss[place], place, **{name: value[place] for name, value in named.items()})
        pacer.step()
        return pacer

    plain, inference = run(torch.no_grad), run(torch.inference_mode)
    assert_same(plain, inference)
    assert torch.equal(plain.weight, inference.weight) and not inference.weight.is_inference()


def test_a_classic_loss_and_a_ring_made_in_inference_mode_can_be_trained() -> None:
    with torch.inference_mode():
        classic, pacer = SPLLoss(n_samples=2), Pacer()
    classic(torch.zeros(1, 2), torch.tensor([1]), torch.tensor([1]))
    for _ in range(2):
        pacer(torch.ones(3))
        pacer.step()
    assert classic.v.tolist() == [0, 1] and pacer.steps == 2


def test_a_model_that_is_made_on_the_meta_device_has_a_pacer_with_values() -> None:
    with torch.device("meta"):
        net = Net()
    net.to_empty(device="cpu")
    see(net.pacer)
    net.pacer.step()
    assert net.pacer.ledger.visits.tolist() == [1] * N
