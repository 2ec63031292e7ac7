"""Self-paced learning for the Trainer of Transformers, and for TRL's SFTTrainer.

Two lines of a program change, the import and the name of the class::

    trainer = SelfPacedTrainer(model=model, args=args, train_dataset=train)  # was: Trainer(...)

For a subclass of Trainer, write ``class Paced(SelfPacedMixin, SFTTrainer)``.
"""

from selfpaced._public import publish

try:
    from selfpaced.transformers._losses import Items
    from selfpaced.transformers._quick import PacedLoss
    from selfpaced.transformers._trainer import SelfPacedMixin, SelfPacedTrainer
except ImportError as error:
    raise ImportError(
        f"selfpaced.transformers needs transformers and accelerate ({error}). "
        f'Install them with: pip install "selfpaced[transformers]"'
    ) from error

__all__ = ["Items", "PacedLoss", "SelfPacedMixin", "SelfPacedTrainer"]

publish(__name__)
