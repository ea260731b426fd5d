"""Devices, and the processes that torchrun starts, each with its shard of every batch.

The processes, their messages and the averaging of gradients are PyTorch's own (torchrun,
torch.distributed, DistributedDataParallel). In a single process all of this does nothing.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import distributed, nn

from mnist_core.errors import UserError

LARGE = 512  # units of a layer from which several threads gain more than they wait for each other


def join() -> None:
    """Meet the other processes, where torchrun started this one."""
    if not distributed.is_torchelastic_launched():
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")


def leave() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()


def rank() -> int:
    """This process's number; 0 is the one that reads, prints and writes."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def world_size() -> int:
    """How many processes there are."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def choose_device(name: str) -> str:
    """`name`, for "auto" a GPU where there is one. Raises UserError where the device isn't here."""
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    found = [*["cuda"] * cuda, *["mps"] * mps, "cpu"]
    if name not in ("auto", *found):
        raise UserError(f"device {name} is not available here; PyTorch finds: {', '.join(found)}")
    return found[0] if name == "auto" else name


def choose_threads(count: int | None, hidden: Sequence[int] = ()) -> int:
    """`count`; for None as many as PyTorch chooses where a layer is large, else 1 (docs/speed.md).

    Raises UserError below 1.
    """
    if count is not None and count < 1:
        raise UserError(f"{count} threads; expected at least 1")
    return count or (torch.get_num_threads() if max(hidden, default=0) >= LARGE else 1)


def broadcast_from_rank_0(make: Callable, *arguments: Any, **options: Any) -> Any:
    """What `make` returns in the process of rank 0, which alone calls it, in every process.

    Its UserError is every process's too, so that none waits for another in vain.
    """
    if world_size() == 1:
        return make(*arguments, **options)
    try:
        shared = [make(*arguments, **options) if rank() == 0 else None]
    except UserError as error:
        shared = [error]
    distributed.broadcast_object_list(shared)
    if isinstance(shared[0], UserError):
        raise shared[0]
    return shared[0]


def distributed_model(model: nn.Module) -> nn.Module:
    """`model`, its gradients averaged over the processes.

    Batch normalisation looks at the whole batch on CUDA; on the CPU, where PyTorch
    can't, each process normalises by its own shard, and the averages of rank 0 are kept.
    """
    if world_size() == 1:
        return model
    if next(model.parameters()).is_cuda:
        nn.SyncBatchNorm.convert_sync_batchnorm(model)  # its layers, in place
    return nn.parallel.DistributedDataParallel(model)


def shard(batch: torch.Tensor) -> torch.Tensor:
    """This process's shard of `batch`: their sizes differ by at most one."""
    return batch.tensor_split(world_size())[rank()]


def generator_of_rank(generator: torch.Generator) -> torch.Generator:
    """`generator`; with several processes another for each, which leaves `generator` as it is."""
    if world_size() == 1:
        return generator
    seed = int(torch.randint(2**62, (1,), generator=generator.clone_state()))
    return torch.Generator().manual_seed(seed + rank())


def total(value: float, device: torch.device) -> float:
    """The sum of the processes' values."""
    if world_size() == 1:
        return value
    tensor = torch.tensor(value, dtype=torch.float64, device=device)
    distributed.all_reduce(tensor)
    return tensor.item()
