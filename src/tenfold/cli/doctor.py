"""`tenfold doctor`: what is here, what is missing, and the line that adds it."""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from tenfold import __version__
from tenfold.cli.show import show_name, write
from tenfold.errors import TenfoldError, pip_line

FOR = {
    "train": "training, and drawing figures",
    "report": "reports on a reader, and drawing figures",
    "gpu": "training on an NVIDIA card",
    "scans": "reading HEIC photos and PDF files",
    "bench": "comparing with other readers",
    "docs": "building the course",
    "dev": "working on Tenfold",
}
TENSORFLOW = ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tensorflow-intel")
_REQUIREMENT = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[([^\]]*)\])?")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_LEAST = re.compile(r">=\s*([0-9.]+)")


def doctor() -> int:
    """Say what works here and what is missing."""
    _show_machine()
    whole = _show_data_and_reader()
    _show_packages()
    _show_extras()
    return 0 if whole else 1


def _show_machine() -> None:
    write(f"tenfold   {__version__}  ({show_name(str(Path(__file__).parents[1]))})")
    write(f"Python    {platform.python_version()}  ({show_name(sys.executable)})")
    write(f"system    {platform.platform()}")
    set_by = [
        f"{name}={os.environ[name]}"
        for name in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
        if name in os.environ
    ]
    write(f"threads   {_usable_threads()} of {os.cpu_count()}{'; ' if set_by else ''}{', '.join(set_by)}")
    write(f"GPU       {_describe_gpu()}")


def _usable_threads() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _describe_gpu() -> str:
    cards = _nvidia_cards()
    if not cards:
        return "none seen (nvidia-smi finds none); everything works without"
    if "tensorflow" in _installed(TENSORFLOW) and "tensorflow-cpu" not in _installed(TENSORFLOW):
        return f"{cards[0]}; TensorFlow may use it"
    return f"{cards[0]}; to train on it: {gpu_line()}"


def _nvidia_cards() -> list[str]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        done = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.split(" (UUID")[0] for line in done.stdout.splitlines() if line.startswith("GPU")]


def _show_data_and_reader() -> bool:
    """Try the data and the shipped reader for real. Returns whether both work."""
    from tenfold import load, load_mnist
    from tenfold.reading.spelling import percent

    whole = True
    try:
        data = load_mnist()
        count = len(data.train) + len(data.validation) + (len(data.test) if data.test else 0)
        write(f"data      {data.source}: {count:,} images, sha256 {data.sha256[:12]}")
    except TenfoldError as error:
        whole = False
        write(f"data      does not work: {error}")
    try:
        card = load().card
        accuracy = card.figures.get("test_accuracy")
        measured = f", {percent(accuracy, 2)} right on MNIST's test images" if accuracy else ""
        write(f"reader    {card.name}, {card.parameters:,} parameters{measured}")
    except TenfoldError as error:
        whole = False
        write(f"reader    does not work: {error}")
    return whole


def _show_packages() -> None:
    write()
    write("packages")
    names = {name for _, name, _ in _requirements() if name != "tenfold"}
    present = {name: version(name) for name in sorted(names | set(TENSORFLOW)) if _is_installed(name)}
    for name, found in present.items():
        write(f"  {name:<26} {found}")
    rivals = _installed(TENSORFLOW)
    if len(rivals) > 1:
        write(
            f"  {' and '.join(rivals)} are both installed and overwrite each other's files; keep one: "
            f"pip uninstall -y {' '.join(rivals)} && {pip_line('gpu' if _nvidia_cards() else 'train')}"
        )


def _show_extras() -> None:
    write()
    write("extras")
    for extra, use in FOR.items():
        missing = missing_packages(extra)
        if missing and extra == "gpu":
            needed = gpu_line() if _nvidia_cards() else "not needed, no card is seen"
            write(f"  {extra:<6} {use}: {needed}")
        elif missing:
            write(f"  {extra:<6} {use}: {', '.join(missing)} missing; {pip_line(extra)}")
        else:
            write(f"  {extra:<6} {use}: here")


def missing_packages(extra: str) -> list[str]:
    """The packages an extra still needs, with what is wrong where one is there but too old.

    Any build of TensorFlow counts as TensorFlow, for which one fits depends on the machine.
    """
    missing = []
    for text, name, extras in _requirements():
        if extra not in extras:
            continue
        if name == "tenfold":
            inner = _REQUIREMENT.match(text)
            for other in (inner.group(2) or "").split(",") if inner else ():
                missing += missing_packages(other.strip())
        elif name in TENSORFLOW:
            wanted = TENSORFLOW if extra != "gpu" else ("tensorflow",)
            missing += [] if _installed(wanted) or "tensorflow" in missing else ["tensorflow"]
        elif not _is_installed(name):
            missing.append(name)
        elif _is_too_old(name, text):
            missing.append(f"{name} {version(name)} is too old, so a newer one is")
    return missing


def _is_too_old(name: str, requirement: str) -> bool:
    least = _LEAST.search(requirement.split(";")[0])
    return least is not None and _numbers(version(name)) < _numbers(least.group(1))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def _requirements() -> list[tuple[str, str, frozenset[str]]]:
    """Each requirement of Tenfold's own metadata: its text, the package, the extras that ask for it."""
    try:
        lines = distribution("tenfold").requires or []
    except PackageNotFoundError:  # run from a source tree that was not installed
        return []
    found = []
    for line in lines:
        match = _REQUIREMENT.match(line)
        if match:
            found.append((line, match.group(1).lower(), frozenset(_EXTRA.findall(line))))
    return found


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _installed(names: Iterable[str]) -> list[str]:
    return [name for name in names if _is_installed(name)]


def gpu_line() -> str:
    """The line that puts TensorFlow for NVIDIA cards in the place of the build for the processor alone."""
    rivals = [name for name in _installed(TENSORFLOW) if name != "tensorflow"]
    remove = f"pip uninstall -y {' '.join(rivals)} && " if rivals else ""
    return remove + pip_line("gpu")
