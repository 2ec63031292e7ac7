"""Train a small BERT on short reviews, self-paced; a quarter of the labels are wrong."""

import tempfile

import torch
from datasets import Dataset
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.trainers import WordLevelTrainer
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DataCollatorWithPadding,
    PreTrainedTokenizerFast,
    PrinterCallback,
    TrainingArguments,
    set_seed,
)

from selfpaced.transformers import SelfPacedTrainer

torch.set_num_threads(1)
generator = torch.Generator().manual_seed(0)
feelings = (
    "awful bad boring broken cheap dull empty flat poor sad".split(),
    "bright clever deep fine fresh good great moving rich warm".split(),
)
subjects = [f"{what}{which}" for what in ("actor", "scene", "plot", "song") for which in range(100)]


def review(truth: int) -> str:
    """Return a review: three words that show its class, and five that do not."""
    tells = torch.randint(10, (3,), generator=generator).tolist()
    others = torch.randint(len(subjects), (5,), generator=generator).tolist()
    return " ".join([*(feelings[truth][i] for i in tells), *(subjects[i] for i in others)])


truth = torch.arange(1200) % 2
texts = [review(label) for label in truth.tolist()]
wrong = torch.rand(800, generator=generator) < 0.25
labels = torch.cat([torch.where(wrong, 1 - truth[:800], truth[:800]), truth[800:]])

words = Tokenizer(WordLevel(unk_token="[UNK]"))
words.pre_tokenizer = Whitespace()
words.train_from_iterator(texts, WordLevelTrainer(special_tokens=["[PAD]", "[UNK]"]))
tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]")
ids = tokenizer(texts)["input_ids"]
data = Dataset.from_dict({"input_ids": ids, "labels": labels.tolist()})

set_seed(0)
config = BertConfig(
    vocab_size=len(tokenizer),
    hidden_size=32,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=64,
)
trainer = SelfPacedTrainer(
    model=BertForSequenceClassification(config),
    args=TrainingArguments(
        output_dir=tempfile.mkdtemp(),
        num_train_epochs=10,
        per_device_train_batch_size=32,
        learning_rate=2e-3,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
    ),
    train_dataset=data.select(range(800)),
    data_collator=DataCollatorWithPadding(tokenizer),
)
trainer.remove_callback(PrinterCallback)
trainer.train()

said = torch.from_numpy(trainer.predict(data.select(range(800, 1200))).predictions).argmax(1)
print(f"accuracy {(said == truth[800:]).float().mean():.1%}")
suspects = trainer.pacer.suspects(100)
print(f"of the first 100 suspects {wrong[suspects].float().mean():.0%} are mislabeled")
