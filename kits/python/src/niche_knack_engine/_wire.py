"""Bytes in, bytes out: the lines of stdin, and the one writer on stdout."""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any, Callable, Iterator, List

from ._errors import ErrorCodes, JobError


def encode(value: Any, what: str) -> str:
    """The JSON text of a value, in ASCII. Raises for what JSON cannot hold, NaN included, with ``what`` in the message."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RuntimeError) as error:  # the last: too deep, or changed meanwhile
        raise JobError(ErrorCodes.INTERNAL_ERROR, f"{what} cannot be written as JSON: {error}") from error


def encode_error(described: Any) -> str:
    try:
        return encode(described, "The error's data")
    except JobError as fault:
        return encode({**described, "data": fault.message}, "The error")


def take_stdin() -> int:
    """
    A descriptor for requests alone; 0 is empty from now on. A child process, or an ``input()``, that reads it would take
    requests away from the engine. -1: there is no stdin.
    """
    try:
        own = os.dup(0)
    except OSError:
        return -1
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(own, os.O_BINARY)
    return own


def take_stdout() -> int:
    """
    A descriptor for messages alone; 1 is stderr from now on: for ``print``, for C code, for child processes. What was
    printed before and waits in a buffer goes there as well.
    """
    own = os.dup(1)
    os.dup2(2, 1)
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(own, os.O_BINARY)
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        sys.stdout.flush()
        # A print that the locale has no characters for must not end a job.
        try:
            reconfigure(line_buffering=True, errors="backslashreplace")
        except OSError:  # it was a file, and wants to know a position that the pipe behind it now does not have
            sys.stdout = open(1, "w", 1, sys.stdout.encoding, "backslashreplace", closefd=False)
    return own


class Output:
    """
    Writes whole lines from any thread. A write waits while the app does not read: the thread of the job that talks is
    what stands still, and nothing piles up in memory.
    """

    def __init__(self, descriptor: int, on_gone: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._on_gone = on_gone
        self._lock = threading.Lock()
        self._gone = False

    def write(self, text: str) -> None:
        rest = memoryview(text.encode("ascii") + b"\n")
        with self._lock:
            if self._gone:
                return
            try:
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
                return
            except OSError:  # EPIPE and its like: the app is gone, and that is no reason to complain
                self._gone = True
        self._on_gone()


def read_lines(descriptor: int) -> Iterator[bytes]:
    """
    Every line, the unfinished last one too. Each byte is looked at once however long a line is. No file object of Python's
    is used: its lock, held by a thread that reads, would make the interpreter abort at its end.
    """
    pieces: List[bytes] = []
    while True:
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:  # a pipe that breaks is one that has ended
            chunk = b""
        *lines, last = chunk.split(b"\n")
        for line in lines:
            yield b"".join([*pieces, line])
            pieces.clear()
        if last:
            pieces.append(last)
        if not chunk:
            yield b"".join(pieces)
            return
