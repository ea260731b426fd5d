"""Devices, and the processes that torchrun starts, each with its part of every batch.

The processes, their messages and the averaging of gradients are PyTorch's own
(torchrun, torch.distributed, DistributedDataParallel). In a single process all
of this does nothing.
"""

import os
from collections.abc import Callable
from typing import Any

import torch
from torch import distributed, nn

DEVICES = ("auto", "cpu", "cuda", "mps")


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


def size() -> int:
    """How many processes there are."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def choose_device(name: str) -> torch.device:
    """The device called `name`; "auto" is a GPU where there is one.

    Raises ValueError when this machine hasn't the device.
    """
    found = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(device for device in found if found[device])
    if not found[name]:
        there = ", ".join(device for device in found if found[device])
        raise ValueError(f"device {name} is not available here; PyTorch finds: {there}")
    return torch.device(name)


def from_first(make: Callable[[], Any]) -> Any:
    """What `make` gives in the first process, the only one that calls it, in every process.

    Its ValueError or OSError is every process's too, so that none waits for another in vain.
    """
    if size() == 1:
        return make()
    result, failure = None, None
    if rank() == 0:
        try:
            result = make()
        except (ValueError, OSError) as error:
            failure = str(error)
    shared = [result, failure]
    distributed.broadcast_object_list(shared)
    if shared[1] is not None:
        raise ValueError(shared[1])
    return shared[0]


def distributed_model(model: nn.Module) -> nn.Module:
    """`model`, its gradients averaged over the processes.

    Batch normalisation looks at the whole batch on CUDA; on the CPU, where PyTorch
    can't, each process normalises by its own part, and the first one's averages are kept.
    """
    if size() == 1:
        return model
    if next(model.parameters()).is_cuda:
        nn.SyncBatchNorm.convert_sync_batchnorm(model)  # its layers, in place
    return nn.parallel.DistributedDataParallel(model)


def own_part(batch: torch.Tensor) -> torch.Tensor:
    """This process's share of `batch`: parts differ by at most one."""
    return batch.tensor_split(size())[rank()]


def own_generator(generator: torch.Generator) -> torch.Generator:
    """`generator`; with several processes another for each, which leaves `generator` as it is."""
    if size() == 1:
        return generator
    copy = torch.Generator()
    copy.set_state(generator.get_state())
    seed = int(torch.randint(2**62, (1,), generator=copy))
    return torch.Generator().manual_seed(seed + rank())


def total(value: float, device: torch.device) -> float:
    """The sum of the processes' values."""
    if size() == 1:
        return value
    tensor = torch.tensor(value, dtype=torch.float64, device=device)
    distributed.all_reduce(tensor)
    return tensor.item()
