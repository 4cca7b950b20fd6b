"""Processes that make training images beside a training: they end when it ends, however it ends."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread


def settle_worker() -> None:
    """End this process when its parent has ended, even by `kill -9`; leave Ctrl-C to the parent.

    A worker waiting for work waits on a pipe of which it holds both ends, so it would wait for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Start processes that Ctrl-C cannot reach while they still load; it waits here until the block's end."""
    if not hasattr(signal, "pthread_sigmask"):  # pragma: no cover
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
