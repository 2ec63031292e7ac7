"""What several test files build."""

import difflib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from hypothesis import HealthCheck, settings
from sklearn.datasets import load_wine

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

torch.set_num_threads(1)  # tests run side by side: threads would only wait for each other

# A shell that starts the tests in the background has Ctrl-C ignored; programs are tested with it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A case that takes longer hangs. `pytest tests/fuzz --hypothesis-profile=long` tries many more.
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("short", deadline=10_000, suppress_health_check=SLOW)
settings.register_profile("long", settings.get_profile("short"), max_examples=10_000)
settings.load_profile("short")

WriteIdx = Callable[[Path, str, int, int], None]
Spawn = Callable[[Callable[[int, int, str], None], int], list[dict[str, Any]]]
RunRanks = Callable[[Callable[[int, Path], dict[str, Any]]], list[dict[str, Any]]]
ROOT = Path(__file__).parents[1]
# How Chromium starts where there is no screen and no network.
CHROMIUM = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="module")  # no longer: other tests need the event loop that it runs in
def browser() -> Iterator["Browser"]:
    """Return a headless Chromium; skip without one, unless SELFPACED_BROWSER is "required"."""
    place = shutil.which("chromium") or shutil.which("google-chrome")
    if place is None:
        if os.environ.get("SELFPACED_BROWSER") == "required":
            pytest.fail("SELFPACED_BROWSER=required, and there is no chromium on the PATH.")
        pytest.skip("There is no chromium on the PATH.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=place, args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: "Browser") -> Iterator[Callable[..., "Page"]]:
    """Return a function that opens an address in a new window.

    At the end of the test no script may have failed, and nothing may have been asked for from
    elsewhere.
    """
    problems: list[str] = []
    windows = []

    def open_window(address: str, allowed: str = "", **settings: Any) -> "Page":
        window = browser.new_context(**settings)
        windows.append(window)
        page = window.new_page()
        page.set_default_timeout(10_000)
        watch(page, problems, allowed, address.partition("//")[2].partition("/")[0])
        page.goto(address)
        if settings.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready]")
        return page

    yield open_window
    for window in windows:
        window.close()
    assert problems == []


def watch(page: "Page", problems: list[str], allowed: str, home: str) -> None:
    """Note the errors of scripts but those that are allowed, and what is asked for elsewhere."""

    def said(message: Any) -> None:
        if message.type == "error" and not (allowed and message.text.startswith(allowed)):
            problems.append(message.text)

    def asked(request: Any) -> None:
        if strange(request.url, home):
            problems.append(request.url)

    page.on("console", said)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", asked)


def strange(address: str, home: str) -> bool:
    """Say whether an address is elsewhere than the page itself."""
    if address.startswith(("data:", "blob:", "file:")):
        return False
    return address.partition("//")[2].partition("/")[0] != home


@pytest.fixture(scope="session")
def write_idx() -> WriteIdx:
    """Return a function that writes n white images of a size, with the labels 0, 1, 2, 0, ..."""

    def write(folder: Path, part: str, n: int, size: int) -> None:
        n_bytes, side = n.to_bytes(4, "big"), size.to_bytes(4, "big")
        images, labels = b"\xff" * (n * size * size), bytes(place % 3 for place in range(n))
        header = b"\0\0\x08\x03" + n_bytes + side + side
        (folder / f"{part}-images-idx3-ubyte").write_bytes(header + images)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + n_bytes + labels)

    return write


@pytest.fixture(scope="session")
def spawn(tmp_path_factory: pytest.TempPathFactory) -> Spawn:
    """Return a function that runs ``main(rank, port, folder)`` in some processes.

    Each saves a dict as ``folder/rank.pt``; the function returns them in order.
    """

    def run(main: Callable[[int, int, str], None], world: int) -> list[dict[str, Any]]:
        folder = tmp_path_factory.mktemp("ranks")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        mp.spawn(  # type: ignore[attr-defined, no-untyped-call]  # torch gives it no types
            main, args=(port, str(folder)), nprocs=world
        )
        return [torch.load(folder / f"{rank}.pt") for rank in range(world)]

    return run


def run_rank(
    main: Callable[[int, Path], dict[str, Any]], rank: int, port: int, folder: str
) -> None:
    """Run ``main`` as one of two ranks, and save what it returns.

    The environment is that of torchrun. The process then exits at once: destroying the gloo group
    while a model is in DistributedDataParallel hangs now and then.
    """
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), ACCELERATE_USE_CPU="true")
    os.environ.update(WORLD_SIZE="2", LOCAL_WORLD_SIZE="2", RANK=str(rank), LOCAL_RANK=str(rank))
    torch.save(main(rank, Path(folder)), Path(folder) / f"{rank}.pt")
    if dist.is_initialized():
        dist.barrier()
    os._exit(0)


@pytest.fixture(scope="session")
def run_ranks(spawn: Spawn) -> RunRanks:
    """Return a function that runs ``main(rank, folder)`` in two processes.

    It returns the dicts that ``main`` returned, in the order of the ranks.
    """

    def run(main: Callable[[int, Path], dict[str, Any]]) -> list[dict[str, Any]]:
        return spawn(partial(run_rank, main), 2)

    return run


@pytest.fixture
def run_example(tmp_path: Path) -> Callable[..., str]:
    """Return a function that runs a program of examples/ and returns what it prints.

    It runs in an empty folder, without a network. Arguments after the name stand before the
    program, for Python; warnings are errors unless ``strict=False``.
    """

    def run(name: str, *options: str, strict: bool = True) -> str:
        options = (*(("-W", "error") if strict else ()), *options)
        result = subprocess.run(
            [sys.executable, *options, str(ROOT / "examples" / name)],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env={
                "PYTHONPATH": str(ROOT / "src"),
                "OMP_NUM_THREADS": "1",
                "HF_HUB_OFFLINE": "1",
                "HOME": str(tmp_path),
            },
        )
        return result.stdout

    return run


@pytest.fixture(scope="session")
def added_lines() -> Callable[[str, str], list[str]]:
    """Return a function that gives the lines that one example has and another has not."""

    def added(plain: str, paced: str) -> list[str]:
        before, after = (
            (ROOT / "examples" / name).read_text().splitlines() for name in (plain, paced)
        )
        return [line[2:] for line in difflib.ndiff(before, after) if line.startswith("+ ")]

    return added


@pytest.fixture(scope="session")
def import_error() -> Callable[[str, str], str]:
    """Return a function that imports a module where a package is missing, and gives the error."""

    def imported(module: str, missing: str) -> str:
        program = f"import sys; sys.modules[{missing!r}] = None; import {module}"
        command = [sys.executable, "-c", program]
        return subprocess.run(command, capture_output=True, text=True, check=False).stderr

    return imported


WORDS = ("[PAD]", "[MASK]", *map(str, range(28)))  # of the vocabulary of the tiny models


class Tiny:
    """Makes what the tests of Transformers and TRL train: small models, a tokenizer, settings.

    The packages are imported in the methods: the other tests do not need them. Each model is the
    same at each call.
    """

    vocabulary = len(WORDS)  # of the models, by default

    def tokens(self, n: int, shortest: int = 3, longest: int = 7) -> list[list[int]]:
        """Return n sequences of several lengths; the ids 0 to 4 do not occur."""
        drawn = torch.randint(
            5, self.vocabulary, (n, longest), generator=torch.Generator().manual_seed(0)
        )
        lengths = (shortest + place % (longest - shortest + 1) for place in range(n))
        return [row[:length] for row, length in zip(drawn.tolist(), lengths, strict=True)]

    def sentences(self, n: int, shortest: int = 3, longest: int = 7) -> list[dict[str, Any]]:
        """Return sequences with a class, which the first token decides."""
        rows = self.tokens(n, shortest, longest)
        return [{"input_ids": ids, "labels": int(ids[0] > 17)} for ids in rows]

    def texts(self, n: int, shortest: int = 3, longest: int = 7) -> list[dict[str, Any]]:
        """Return sequences with a label per token; the first is a prompt and does not count."""
        rows = self.tokens(n, shortest, longest)
        return [{"input_ids": ids, "labels": [-100, *ids[1:]]} for ids in rows]

    def tokenizer(
        self, words: Sequence[str] = WORDS, *, letters: bool = False, **special: str
    ) -> Any:
        """Return a tokenizer of words, or of single letters, whose ids are their places."""
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers
        from transformers import PreTrainedTokenizerFast

        ids = {word: place for place, word in enumerate(words)}
        special = special or {"pad_token": "[PAD]", "mask_token": "[MASK]"}
        made = Tokenizer(models.WordLevel(ids, unk_token=special["pad_token"]))
        if letters:
            made.decoder = decoders.Fuse()
            made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
        else:
            made.pre_tokenizer = pre_tokenizers.Whitespace()
        kind: Any = PreTrainedTokenizerFast
        return kind(tokenizer_object=made, **special)

    def padding(self, kind: Any = None) -> Any:
        """Return a data collator that pads, by default one for classes of sequences."""
        from transformers import DataCollatorWithPadding

        kind = DataCollatorWithPadding if kind is None else kind
        return kind(self.tokenizer())

    def bert(self, kind: Any = None, *, dropout: float | None = None, **settings: Any) -> Any:
        """Return a BERT, by default one that classifies sequences and has BERT's own dropout."""
        import transformers

        torch.manual_seed(0)
        sizes: dict[str, Any] = {"hidden_size": 8, "num_hidden_layers": 1, "intermediate_size": 8}
        sizes |= {"num_attention_heads": 2, "vocab_size": self.vocabulary}
        if dropout is not None:
            sizes |= {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
        kind = transformers.BertForSequenceClassification if kind is None else kind
        return kind(transformers.BertConfig(**sizes, **settings))

    def gpt(self, *, dropout: float | None = None, **settings: Any) -> Any:
        """Return a GPT-2 with its own dropout, or with this one."""
        from transformers import GPT2Config, GPT2LMHeadModel

        torch.manual_seed(0)
        sizes: dict[str, Any] = {"n_embd": 8, "n_layer": 1, "n_head": 2, "n_positions": 16}
        sizes |= dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), 0)
        sizes |= {"vocab_size": self.vocabulary}
        if dropout is not None:
            sizes |= {"resid_pdrop": dropout, "embd_pdrop": dropout, "attn_pdrop": dropout}
        return GPT2LMHeadModel(GPT2Config(**(sizes | settings)))

    def arguments(self, folder: Path | str, kind: Any = None, **settings: Any) -> Any:
        """Return arguments of a trainer that prints, reports and saves nothing."""
        from transformers import TrainingArguments

        quiet: dict[str, Any] = {"report_to": "none", "disable_tqdm": True, "logging_steps": 1}
        quiet |= {"use_cpu": True, "save_strategy": "no"}
        kind = TrainingArguments if kind is None else kind
        return kind(output_dir=str(folder), **(quiet | settings))


@pytest.fixture(scope="session")
def tiny() -> Tiny:
    """Return what makes the small models, texts and tokenizers."""
    return Tiny()


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a table of 178 wines; the label of every fifth, rows 5, 10, ..., is wrong."""
    data = load_wine(as_frame=True)
    codes = data.target.to_numpy()
    wrong = np.arange(1, len(codes) + 1) % 5 == 0
    kinds = np.array(["red", "rosé", "white"])[np.where(wrong, (codes + 1) % 3, codes)]
    path = tmp_path_factory.mktemp("wine") / "wine.csv"
    data.data.assign(kind=kinds).to_csv(path, index=False)
    return path
