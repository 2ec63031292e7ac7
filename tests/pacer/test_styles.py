"""The pacer with gradient accumulation, mixed precision, memory formats and GPUs."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from selfpaced import Indexed, PacedSampler, Pacer
from selfpaced.age import Quantile
from selfpaced.difficulty import Loss
from selfpaced.pacing import Constant

N = 32


def data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N, 3, 8, 8, generator=generator)
    return x, torch.arange(N) % 4


def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 4)
        )


def half_kept() -> Pacer:
    """Return a pacer that keeps the easier half of the samples: even indices."""
    pacer = Pacer(N, age=Quantile(Constant(0.5)), difficulty=Loss(), decide="step")
    pacer.observe(torch.arange(N) % 2 + 0.5, torch.arange(N))
    pacer.step()
    return pacer


def gradients(model: nn.Module) -> list[Tensor]:
    return [p.grad.clone() for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("parts", [1, 2, 4, 8])
def test_accumulated_gradients_are_those_of_the_whole_step(parts: int) -> None:
    (x, y), whole, split, pacer = data(), network(), network(), half_kept()
    index, weights = torch.arange(N), pacer.weight.sum()
    loss = F.cross_entropy(whole(x), y, reduction="none")
    ((loss * pacer.weight).sum() / weights).backward()
    for some in index.chunk(parts):
        pacer(
            F.cross_entropy(split(x[some]), y[some], reduction="none"), some, denominator=weights
        ).backward()
    for ours, theirs in zip(gradients(split), gradients(whole), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_under_autocast_the_ledger_stays_float32(dtype: torch.dtype) -> None:
    (x, y), model, pacer = data(), network(), half_kept()
    with torch.autocast("cpu", dtype=dtype):
        out = model(x)
        total = pacer(F.cross_entropy(out, y, reduction="none"), torch.arange(N))
    total.backward()
    assert out.dtype == dtype
    assert pacer.ledger.loss.dtype == torch.float32
    assert all(bool(g.isfinite().all()) for g in gradients(model))
    plain = F.cross_entropy(network()(x), y, reduction="none")
    torch.testing.assert_close(pacer.ledger.loss, plain.detach(), atol=0.05, rtol=0.05)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_losses_are_judged_in_float32(dtype: torch.dtype) -> None:
    loss = torch.linspace(0.1, 3.0, N, dtype=dtype, requires_grad=True)
    pacer = half_kept()
    total = pacer(loss, torch.arange(N))
    total.backward()
    assert loss.grad is not None and loss.grad.dtype == dtype
    assert pacer.ledger.loss.dtype == torch.float32
    assert torch.equal(pacer.ledger.loss, loss.detach().float())


def test_a_grad_scaler_scales_and_unscales_around_the_pacer() -> None:
    results = []
    for enabled in (False, True):
        (x, y), model, pacer = data(), network(), half_kept()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scaler = torch.amp.GradScaler("cpu", enabled=enabled, init_scale=1024.0)
        total = pacer(F.cross_entropy(model(x), y, reduction="none"), torch.arange(N))
        scaler.scale(total).backward()
        scaler.step(optimizer)
        scaler.update()
        results.append([p.detach().clone() for p in model.parameters()])
    for plain, scaled in zip(*results, strict=True):
        torch.testing.assert_close(plain, scaled)


def test_channels_last_changes_nothing() -> None:
    (x, y), index = data(), torch.arange(N)
    totals = []
    for layout in (torch.contiguous_format, torch.channels_last):
        model = network().to(memory_format=layout)  # type: ignore[call-overload]  # torch lacks it
        loss = F.cross_entropy(model(x.to(memory_format=layout)), y, reduction="none")
        totals.append(half_kept()(loss, index))
    torch.testing.assert_close(totals[0], totals[1])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_no_batch_waits_for_the_device() -> None:
    pacer = Pacer(N, columns={"group": torch.arange(N) % 4}).cuda()
    index = torch.arange(N, device="cuda")
    loss = torch.rand(N, device="cuda", requires_grad=True)
    pacer(loss, index).backward()
    pacer.step()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            pacer(loss, index).backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.equal(pacer.ledger.loss, loss.detach())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_indices_in_pinned_memory_reach_the_gpu() -> None:
    pacer = Pacer(N).cuda()
    sampler = PacedSampler(pacer)
    loss = torch.rand(N)
    loader = DataLoader(
        Indexed(TensorDataset(loss)), batch_size=8, sampler=sampler, num_workers=2, pin_memory=True
    )
    for index, batch in loader:
        assert index.is_pinned()
        pacer(batch.cuda(non_blocking=True), index.cuda(non_blocking=True))
    assert torch.equal(pacer.ledger.loss.cpu(), loss)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_decides_what_a_cpu_decides() -> None:
    results = []
    for device in ("cpu", "cuda"):
        pacer = Pacer(N, columns={"group": torch.arange(N) % 4}).to(device)
        for epoch in range(4):
            loss = torch.rand(N, generator=torch.Generator().manual_seed(epoch)).to(device)
            pacer(loss, torch.arange(N, device=device))
            pacer.step()
        results.append((pacer.weight.cpu(), pacer.ledger.packed.cpu(), pacer.current_age.cpu()))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs)
