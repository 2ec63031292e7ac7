"""Which prompts GRPO trains on: ``python -m benchmarks.hosts.grpo``.

The task is sums of two numbers below 40 with an answer of two characters. A GPT-2 of two layers is
first taught 300 of the 1,600 sums for 200 steps. Then TRL's GRPO trains it on 240 prompts, 80 that
it was taught and 160 that it was not, with right answer keys or with two fifths of them wrong. All
ways begin with the same model and generate equally many completions: 120 batches of 8 prompts, 8
completions each, which is four epochs.

- plain: TRL's own order
- band: pass rates from .2 to .8, and a quarter of the other prompts each epoch
- random: as many prompts as the band has, drawn at random
- easy: the easiest prompts first, from 30 % to all of them

Score: the probability of the right answer at temperature 1, and how often it is the most probable
answer, over 1,140 sums that were in no training. ``flat`` is the share of groups with equal
rewards, which give no gradient. Each run appends one line to ``results/grpo.jsonl``; finished runs
are skipped.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from tempfile import TemporaryDirectory

import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer

from benchmarks.shared.result_lines import (
    RESULTS,
    interval,
    machine,
    parser,
    run_or_print,
    versions,
)
from selfpaced import Pacer
from selfpaced.age import Quantile, Threshold
from selfpaced.coupling import RandomOrder
from selfpaced.difficulty import Smoothed
from selfpaced.pacing import Constant, Ramp
from selfpaced.prompts import Band, PassRates
from selfpaced.trl import SelfPacedGRPOTrainer

FILE = RESULTS / "grpo.jsonl"
WAYS = ("plain", "band", "random", "easy")  # Names of the ways, in the order of the table.
WRONG = (0.0, 0.4)  # Shares of wrong answer keys.
SEEDS = range(5)  # Seeds of every way and share.
SIGNS = {sign: place for place, sign in enumerate("0123456789+=E")}  # Token by character.
BELOW = 40  # Upper limit of the two numbers of a sum.
TAUGHT = 300  # Sums that are taught before GRPO.
SHOWN = 80  # Prompts of GRPO that were taught before.
NEW = 160  # Prompts of GRPO that were not.
STEPS = 120  # Batches of GRPO.


@dataclass(frozen=True)
class Row:
    """One training.

    Args:
        way: Name of the way.
        wrong: Share of wrong answer keys.
        before: Mean probability of the right answer on held-out sums, before GRPO.
        after: The same, after GRPO.
        best: Share of the held-out sums whose most probable answer is right, after GRPO.
        flat: Share of the groups with equal rewards.
        found: Share of wrong keys among the first k suspects, k the number of wrong keys; None if
            there are no wrong keys or no suspects.
    """

    way: str
    wrong: float
    seed: int
    before: float
    after: float
    best: float
    flat: float
    found: float | None
    seconds: float
    versions: dict[str, str]
    machine: dict[str, str | int]


@dataclass(frozen=True)
class Sums:
    """All sums in the order of a seed: the first are taught, the last are held out."""

    prompts: list[str]
    answers: list[str]
    tokens: Tensor


def sums(seed: int) -> Sums:
    """Return the sums in the order that the seed draws."""
    pairs = torch.cartesian_prod(torch.arange(BELOW), torch.arange(BELOW))
    pairs = pairs[torch.randperm(len(pairs), generator=torch.Generator().manual_seed(seed))]
    prompts = [f"{a:02d}+{b:02d}=" for a, b in pairs.tolist()]
    answers = [f"{total:02d}" for total in pairs.sum(1).tolist()]
    lines = [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)]
    return Sums(prompts, answers, torch.tensor([[SIGNS[sign] for sign in x] for x in lines]))


def tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer with one token per character."""
    characters = Tokenizer(models.WordLevel(SIGNS, unk_token="E"))
    characters.decoder = decoders.Fuse()
    characters.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return PreTrainedTokenizerFast(tokenizer_object=characters, eos_token="E", pad_token="E")


def untaught() -> GPT2LMHeadModel:
    """Return an untrained network."""
    end = SIGNS["E"]
    config = GPT2Config(
        n_layer=2,
        n_head=4,
        n_embd=64,
        n_positions=16,
        vocab_size=len(SIGNS),
        bos_token_id=end,
        eos_token_id=end,
    )
    config.resid_pdrop = config.embd_pdrop = config.attn_pdrop = 0.0
    return GPT2LMHeadModel(config)


def answer_logits(model: GPT2LMHeadModel, tokens: Tensor) -> Tensor:
    """Return log probabilities of the two answer characters, shape (sums, 2, signs)."""
    logits: Tensor = model(tokens[:, :-1]).logits[:, -2:]
    return logits.log_softmax(-1)


@cache
def taught(seed: int) -> dict[str, Tensor]:
    """Teach the first sums; return the state of the model."""
    torch.manual_seed(seed)
    model, tokens = untaught(), sums(seed).tokens[:TAUGHT]
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(200):
        batch = tokens[torch.randint(TAUGHT, (64,))]
        optimizer.zero_grad()
        logits = answer_logits(model, batch)
        (-logits.gather(-1, batch[:, -2:, None]).mean()).backward()
        optimizer.step()
    return {name: value.clone() for name, value in model.state_dict().items()}


@torch.no_grad()
def solved(model: GPT2LMHeadModel, tokens: Tensor) -> tuple[float, float]:
    """Return the mean probability of the right answer, and how often it is the most probable."""
    logits, right = answer_logits(model, tokens), tokens[:, -2:]
    probability = logits.gather(-1, right[..., None]).sum((1, 2)).exp()
    return float(probability.mean()), float((logits.argmax(-1) == right).all(1).float().mean())


def reward(completions: list[str], answer: list[str], **columns: object) -> list[float | None]:
    """Return 1 for a completion that begins with its answer key, else 0."""
    return [float(text.startswith(key)) for text, key in zip(completions, answer, strict=True)]


def paced(way: str, n: int, seed: int) -> Pacer:
    """Return the pacer of a way other than plain."""
    if way == "easy":
        age = Quantile(Ramp(0.3, 1.0, steps=STEPS // 2))
        return Pacer(n, difficulty=Smoothed(0.5), age=age, decide="step")
    band = Band(0.2, 0.8)
    if way == "band":
        return band.pacer(n)
    inside = Threshold(Constant(0.0))
    return Pacer(n, difficulty=band, age=inside, couple=RandomOrder(seed), decide="step")


def settings(seed: int, folder: str) -> GRPOConfig:
    """Return TRL's settings, the same for all ways."""
    return GRPOConfig(
        output_dir=folder,
        seed=seed,
        per_device_train_batch_size=64,
        num_generations=8,
        max_completion_length=2,
        max_steps=STEPS,
        learning_rate=1e-4,
        lr_scheduler_type="constant",
        use_cpu=True,
        bf16=False,
        activation_checkpointing=False,
        report_to="none",
        disable_tqdm=True,
        logging_strategy="no",
        save_strategy="no",
    )


def execute(way: str, wrong: float, seed: int) -> Row:
    """Train in one way and return the result line."""
    begin, given, n = time.perf_counter(), sums(seed), SHOWN + NEW
    inside = slice(TAUGHT - SHOWN, TAUGHT + NEW)
    bad = torch.randperm(n, generator=torch.Generator().manual_seed(seed + 1))[: int(wrong * n)]
    keys = list(given.answers[inside])
    for place in bad.tolist():
        keys[place] = f"{(int(keys[place]) + 7) % 80:02d}"
    dataset = Dataset.from_dict({"prompt": given.prompts[inside], "answer": keys})
    model = untaught()
    model.load_state_dict(taught(seed))
    test = given.tokens[TAUGHT + NEW :]
    before, _ = solved(model, test)
    pacer = paced("band" if way == "plain" else way, n, seed)
    rates = PassRates(pacer, reward)
    kind = GRPOTrainer if way == "plain" else SelfPacedGRPOTrainer
    with TemporaryDirectory() as folder:
        trainer = kind(
            model,
            reward if way == "plain" else rates,
            settings(seed, folder),
            dataset,
            processing_class=tokenizer(),
        )
        trainer.train()
    flat = float(trainer.state.log_history[-1]["frac_reward_zero_std"])
    found = None
    if wrong and way != "plain":
        found = float(torch.isin(pacer.suspects(len(bad)), bad).float().mean())
    seconds = time.perf_counter() - begin
    after = solved(model, test)
    return Row(way, wrong, seed, before, *after, flat, found, seconds, versions(), machine())


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table: means of the seeds, paired differences from plain."""
    yield "| wrong keys | way | before | after | less plain's | most probable | flat | found |"
    yield "|---|---|---|---|---|---|---|---|"
    for wrong in WRONG:
        plain = {r.seed: r.after for r in rows if (r.way, r.wrong) == ("plain", wrong)}
        for way in WAYS:
            runs = [r for r in rows if (r.way, r.wrong) == (way, wrong) and r.seed in plain]
            if not runs:
                continue
            gaps = [r.after - plain[r.seed] for r in runs]
            found = [r.found for r in runs if r.found is not None]
            columns = (
                f"{wrong:.0%}",
                way,
                *(
                    f"{statistics.mean(getattr(r, x) for r in runs):.3f}"
                    for x in ("before", "after")
                ),
                "" if way == "plain" else interval(gaps),
                *(f"{statistics.mean(getattr(r, x) for r in runs):.3f}" for x in ("best", "flat")),
                f"{statistics.mean(found):.2f}" if found else "",
            )
            yield f"| {' | '.join(columns)} |"


if __name__ == "__main__":
    planned = ((way, wrong, seed) for seed in SEEDS for wrong in WRONG for way in WAYS)
    run_or_print(parser(__doc__, FILE).parse_args(sys.argv[1:]), Row, planned, execute, table)
