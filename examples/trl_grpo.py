"""Self-paced GRPO of TRL on sums that a small model half knows; it finds wrong answer keys."""

from tempfile import TemporaryDirectory

import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from trl import GRPOConfig

from selfpaced.prompts import Band, PassRates
from selfpaced.trl import SelfPacedGRPOTrainer

generator = torch.Generator().manual_seed(0)
pairs = torch.cartesian_prod(torch.arange(30), torch.arange(30))
pairs = pairs[torch.randperm(900, generator=generator)]
prompts = [f"{a:02d}+{b:02d}=" for a, b in pairs.tolist()]
answers = [f"{total:02d}" for total in pairs.sum(1).tolist()]
taught, held_out = slice(0, 300), slice(600, 900)  # the sums in between are for GRPO

vocabulary = {sign: place for place, sign in enumerate("0123456789+=E")}
characters = Tokenizer(models.WordLevel(vocabulary, unk_token="E"))
characters.decoder = decoders.Fuse()
characters.pre_tokenizer = pre_tokenizers.Split("", "isolated")
tokenizer = PreTrainedTokenizerFast(tokenizer_object=characters, eos_token="E", pad_token="E")
signs = [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)]
tokens = torch.tensor([[vocabulary[sign] for sign in line] for line in signs])

torch.manual_seed(0)
config = GPT2Config(
    n_layer=2, n_head=4, n_embd=64, n_positions=16, vocab_size=13, bos_token_id=12, eos_token_id=12
)
config.resid_pdrop = config.embd_pdrop = config.attn_pdrop = 0.0
model = GPT2LMHeadModel(config)


def log_probability(tokens: Tensor) -> Tensor:
    """Return the log-probability of each right answer, shape (prompts,)."""
    logits: Tensor = model(tokens[:, :-1]).logits[:, -2:].log_softmax(-1)
    return logits.gather(-1, tokens[:, -2:, None]).sum((1, 2))


optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for _ in range(300):
    batch = tokens[taught][torch.randint(300, (64,), generator=generator)]
    optimizer.zero_grad()
    (-log_probability(batch)).mean().backward()
    optimizer.step()


def right(completions: list[str], answer: list[str], **columns: object) -> list[float | None]:
    """Return 1 for each completion that begins with the answer, else 0."""
    return [float(text.startswith(key)) for text, key in zip(completions, answer, strict=True)]


keys = list(answers[300:600])
keys[::10] = [f"{(int(key) + 7) % 60:02d}" for key in keys[::10]]
dataset = Dataset.from_dict({"prompt": prompts[300:600], "answer": keys})
args = GRPOConfig(
    output_dir=TemporaryDirectory().name,
    per_device_train_batch_size=64,
    num_generations=8,
    max_completion_length=2,
    max_steps=150,
    learning_rate=1e-4,
    lr_scheduler_type="constant",
    beta=0.0,
    use_cpu=True,
    bf16=False,
    activation_checkpointing=False,
    report_to="none",
    disable_tqdm=True,
    logging_strategy="no",
    save_strategy="no",
)
reward = PassRates(Band(0.2, 0.8).pacer(len(dataset)), right)
trainer = SelfPacedGRPOTrainer(model, reward, args, dataset, processing_class=tokenizer)
before = log_probability(tokens[held_out]).exp().mean().item()
trainer.train()
after = log_probability(tokens[held_out]).exp().mean().item()
print(f"held-out sums solved: {before:.1%} before, {after:.1%} after")
print(f"wrong keys among 30 suspects: {(reward.pacer.suspects(30) % 10 == 0).float().mean():.0%}")
