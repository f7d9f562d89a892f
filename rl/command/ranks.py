"""Several processes that train one policy: their number, their ranks, and the values they exchange.

`torchrun` starts the processes and says in the environment how many there are; accelerate connects them (gloo on the
CPU, nccl on GPUs). The first one keeps the run's record. The others draw rollouts and average gradients.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from rl.config.schema import Config

if TYPE_CHECKING:
    from torch import nn

Item = TypeVar("Item")


def count() -> int:
    """Return the number of processes; 1 if nothing has started several."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def first() -> bool:
    """Return whether this process writes the run's files."""
    return int(os.environ.get("RANK", "0")) == 0


def agreed(value: Item) -> Item:
    """Return the first process's value in every process; all must call this. The first call connects them."""
    if count() == 1:
        return value
    import torch
    from accelerate import PartialState
    from accelerate.utils import broadcast_object_list

    PartialState(cpu=not torch.cuda.is_available())
    held: list[Any] = [value]
    agreed_on: Item = broadcast_object_list(held)[0]
    return agreed_on


def of_all(items: Sequence[Item]) -> list[Item]:
    """Return the items of all processes, in the order of their ranks; all processes must call this."""
    if count() == 1:
        return list(items)
    from accelerate.utils import gather_object

    gathered: list[Item] = gather_object(list(items))
    return gathered


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace every gradient by its mean over the processes, in place."""
    import torch

    for parameter in parameters:
        if parameter.grad is not None:
            torch.distributed.all_reduce(parameter.grad)
            parameter.grad /= count()


def rank_problems(config: Config) -> Iterator[str]:
    """Yield every setting that does not work with this number of processes, a line each."""
    ranks, algo = count(), config.algo
    if ranks == 1:
        return
    if algo.group_size and algo.batch_size % (ranks * algo.group_size):
        yield (
            f"algo.batch_size={algo.batch_size}: {ranks} processes with whole groups of algo.group_size="
            f"{algo.group_size} need a multiple of {ranks * algo.group_size}"
        )
    if algo.baseline in ("batch", "value"):
        yield f"algo={algo.name}: runs in one process alone, as algo.baseline={algo.baseline} looks at the whole step"
