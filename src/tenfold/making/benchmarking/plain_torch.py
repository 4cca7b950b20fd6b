"""A script: the classic recipe in plain PyTorch, given what makes it quick on a processor.

    python -m tenfold.making.benchmarking.plain_torch TASK

Images lie in memory as one tensor, maps have their channels last, Adam is the fused one; the first weights
are drawn as PyTorch draws them. Its last line is what was measured, as JSON.
"""

import json
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.making.benchmarking.answers import judge_answers
from tenfold.making.benchmarking.processes import Task
from tenfold.making.recipes import RECIPES

READ = 500  # images at a time where nothing is learnt


def build_torch(torch: Any) -> Any:
    """The classic network, from images (n, 1, 28, 28) float32 to logits (n, 10)."""
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    return model.to(memory_format=torch.channels_last)


def main() -> None:
    """Train, read the test images, print what was measured."""
    import torch

    task, recipe = Task.from_argument(), RECIPES["classic"]
    train, held_out, test = task.load()
    images, labels = _hold(torch, train.images), torch.from_numpy(train.labels)
    unseen = _hold(torch, held_out.images)
    torch.manual_seed(task.seed)
    model = build_torch(torch)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.rate, fused=True)
    start = time.perf_counter()
    for _ in range(task.epochs or recipe.epochs):
        _train_epoch(torch, model, optimizer, images, labels, recipe.batch_size)
        _read(torch, model, unseen)
    seconds = time.perf_counter() - start
    digits = _read(torch, model, _hold(torch, test.images))
    print(json.dumps({"fit": seconds, **judge_answers(digits, test)}))


def _hold(torch: Any, images: NDArray[np.uint8]) -> Any:
    """Images as one tensor (n, 1, 28, 28) float32, 0-1, channels last."""
    held = torch.from_numpy(images[:, np.newaxis] / np.float32(255))
    return held.contiguous(memory_format=torch.channels_last)


def _train_epoch(torch: Any, model: Any, optimizer: Any, images: Any, labels: Any, size: int) -> None:
    model.train()
    for batch in torch.randperm(len(images)).split(size):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()


def _read(torch: Any, model: Any, images: Any) -> Any:
    """The digits (n,) that the network sees in images."""
    model.eval()
    with torch.inference_mode():
        digits = [model(batch).argmax(1).numpy() for batch in images.split(READ) if len(batch)]
    return np.concatenate(digits) if digits else np.zeros(0, np.int64)


if __name__ == "__main__":
    main()
