"""What sampling and merging cost for large data: ``python -m benchmarks.time.scale``.

- order: drawing the order of an epoch over 100 million samples, 60 % of them kept, against
  ``torch.randperm``; its peak memory, and the size of its checkpoint.
- batches: the sampler's time per batch at 100 million samples against 10,000.
- merge: the merge of a 10-million-row ledger over two gloo processes on this machine, in one step.
- wire: bytes per batch that a pacer adds to what DistributedDataParallel sends, and the throughput
  without and with a pacer. The bytes are those that the collectives of torch.distributed get.
"""

import argparse
import io
import os
import socket
import statistics
from collections.abc import Callable
from functools import partial
from itertools import islice

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import BatchSampler

from benchmarks.shared.images import network
from benchmarks.time.order_statistics import reset_peak, resident_peak, seconds
from selfpaced import PacedSampler, Pacer

BATCH = 128  # Samples in a batch.
KEPT = 0.6  # Kept share of the pacers.


def mlp() -> nn.Module:
    """Make the MLP of ``overhead``; a step takes about 4 ms, so that a pacer weighs most."""
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 10))


# The networks that are trained under DistributedDataParallel.
NETWORKS: dict[str, Callable[[], nn.Module]] = {"MLP": mlp, "CNN": partial(network, "fashion")}


def keeping(n: int) -> Pacer:
    """Make a pacer of n samples that keeps a share of them."""
    pacer = Pacer(n)
    chance = torch.rand(n, generator=torch.Generator().manual_seed(0))
    pacer.weight.copy_(chance < KEPT)
    return pacer


def order(n: int, repeats: int) -> None:
    """Compare drawing an order with a random permutation."""
    pacer = keeping(n)
    ratios, added = [], 0.0
    for repeat in range(repeats):
        sampler = PacedSampler(pacer, seed=repeat)
        reset_peak()
        before = resident_peak()
        ours = seconds(lambda s=sampler: len(s))  # type: ignore[misc]  # mypy loses the default
        added = max(added, resident_peak() - before)
        ratios.append(ours / seconds(lambda: torch.randperm(n)))
    print(
        f"order of {n:,}: {statistics.median(ratios):.2f} x torch.randperm (target 2.5), "
        f"{added:.2f} GB over the pacer's own (target 3)"
    )
    next(iter(sampler))
    file = io.BytesIO()
    torch.save(sampler.state_dict(), file)
    print(f"its checkpoint: {file.tell() / 1e9:.2f} GB (target 1)")


def per_batch(sampler: PacedSampler, batches: int) -> float:
    """Return the seconds per batch of indices."""
    drawn = iter(BatchSampler(sampler, BATCH, drop_last=True))
    next(drawn)
    return seconds(lambda: list(islice(drawn, batches))) / batches


def batches(n: int, repeats: int) -> None:
    """Compare the cost of a batch of indices at n samples and at 10,000."""
    large, small = PacedSampler(keeping(n)), PacedSampler(keeping(10_000), length=10_000_000)
    ratios = [per_batch(large, 2000) / per_batch(small, 2000) for _ in range(repeats)]
    print(
        f"batch of indices at {n:,} against 10,000: {statistics.median(ratios):.2f} (target 1.15)"
    )


class Model(nn.Module):
    """A network that computes its own loss, with or without a pacer."""

    def __init__(self, layers: nn.Module, pacer: Pacer | None) -> None:
        """Store both."""
        super().__init__()
        self.layers, self.pacer = layers, pacer

    def forward(self, x: Tensor, y: Tensor, index: Tensor) -> Tensor:
        """Return the loss of a batch."""
        if self.pacer is None:
            return F.cross_entropy(self.layers(x), y)
        loss: Tensor = self.pacer(F.cross_entropy(self.layers(x), y, reduction="none"), index)
        return loss


def train(model: nn.Module, steps: int) -> Callable[[], None]:
    """Return a function that trains for some steps on one batch."""
    x, y, index = torch.rand(BATCH, 784), torch.arange(BATCH) % 10, torch.arange(BATCH)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def work() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            model(x, y, index).backward()
            optimizer.step()

    return work


def collectives(work: Callable[[], None]) -> int:
    """Return the number of bytes that the collectives of some work were given."""
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as seen:
        work()
    sizes = [
        4 * torch.Size(shape).numel()
        for event in seen.events() or []
        if "all_reduce" in event.name or "broadcast" in event.name or "allreduce" in event.name
        for shape in event.input_shapes
        if shape and all(isinstance(size, int) for size in shape)
    ]
    return sum(sizes)


def rank_main(rank: int, port: int, rows: int, repeats: int) -> None:
    """Measure merge, bytes and throughput in one of two processes."""
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=2)
    for name, make in NETWORKS.items():
        wire(rank, name, make, repeats)
    merge(rank, rows, repeats)
    dist.destroy_process_group()


def wire(rank: int, name: str, make: Callable[[], nn.Module], repeats: int) -> None:
    """Compare bytes and throughput with and without a pacer."""
    plain = DistributedDataParallel(Model(make(), None))
    paced = DistributedDataParallel(Model(make(), Pacer(BATCH)))
    sent = [collectives(train(model, 10)) / 10 for model in (plain, paced)]
    pairs = [(seconds(train(plain, 50)), seconds(train(paced, 50))) for _ in range(5 * repeats)]
    speed = statistics.median(plain_s / paced_s for plain_s, paced_s in pairs)
    if rank == 0:
        print(f"{name}: bytes a batch in collectives: plain {sent[0]:,.0f}, paced {sent[1]:,.0f}")
        print(f"{name}: throughput of DDP with a pacer against without: {speed:.3f} (target .97)")


def merge(rank: int, rows: int, repeats: int) -> None:
    """Time the merge of a step in which each of two ranks has seen half of the samples."""
    pacer = Pacer(rows)
    mine = torch.arange(rank, rows, 2)
    loss = torch.rand(len(mine))
    merges = []
    for _ in range(repeats):
        pacer.observe(loss, mine)
        dist.barrier()
        merges.append(seconds(pacer.ledger.merge))
        pacer.ledger.commit(pacer.difficulty)
    if rank == 0:
        print(f"merge of {rows:,} rows: {statistics.median(merges):.2f} s (target 1)")


def main() -> None:
    """Measure everything; print a line for each result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=100_000_000, help="samples of the order")
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the merged ledger")
    parser.add_argument("--repeats", type=int, default=3, help="repetitions")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(  # type: ignore[attr-defined, no-untyped-call]  # torch gives it no types
        rank_main, args=(port, options.rows, options.repeats), nprocs=2
    )
    order(options.samples, options.repeats)
    batches(options.samples, options.repeats)


if __name__ == "__main__":
    main()
