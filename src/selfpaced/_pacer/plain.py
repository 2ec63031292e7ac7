"""A module whose memory is no buffer."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn


class Plain(nn.Module):
    """Keeps tensors that move with the module and never change their dtype.

    They are no buffers: DistributedDataParallel would overwrite those of all ranks with rank 0's,
    and ``.half()`` would cast them. A member lists them in ``plain``, and saves them by
    ``get_extra_state``; a checkpoint from before it was added loads strictly, and leaves it new.

    >>> class Counter(Plain):
    ...     plain = ("count",)
    ...     count = torch.zeros(2)
    >>> Counter().half().count.dtype
    torch.float32
    """

    plain: ClassVar[tuple[str, ...]] = ()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Follow the module to another device."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch gives it no types
        for name in self.plain:
            kept = getattr(self, name)
            if kept is not None:
                setattr(self, name, kept.to(fn(torch.empty(0, device=kept.device)).device))
        return self

    def _load_from_state_dict(  # torch's own hook, with torch's own arguments
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Do not miss a state that was never saved."""
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        if prefix + "_extra_state" in missing_keys:
            missing_keys.remove(prefix + "_extra_state")
