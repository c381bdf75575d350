from __future__ import annotations

import math
import threading
from typing import Any, Callable, Dict, Optional

from ._errors import JobCancelled

LEVELS = ("debug", "info", "warn", "error")


class Job:
    """What a job's function is given: the way to report, and to learn of a cancellation. Any thread may use it."""

    def __init__(
        self, id: str, type: str, priority: str, stop: threading.Event, tell: Callable[[str, Dict[str, Any]], None]
    ) -> None:
        self.id = id
        self.type = type
        self.priority = priority
        self._stop = stop
        self._tell = tell

    @property
    def cancelled(self) -> bool:
        return self._stop.is_set()

    def check(self) -> None:
        """Raises ``JobCancelled`` when the job is cancelled: the shortest way out of a loop."""
        if self.cancelled:
            raise JobCancelled()

    def wait(self, seconds: float) -> bool:
        """Waits, at most until the job is cancelled. Whether it is."""
        return self._stop.wait(seconds)

    def progress(self, percent: float, message: Optional[str] = None) -> None:
        """``percent`` is brought into 0–100. The same again is not sent."""
        if isinstance(percent, bool) or not isinstance(percent, (int, float)) or math.isnan(percent):
            raise TypeError(f"job.progress: percent must be a number, got {percent!r}")
        data: Dict[str, Any] = {"percent": min(100, max(0, percent))}
        self._tell("progress", data if message is None else {**data, "message": str(message)})

    def log(self, level: str, message: str, context: Optional[Dict[str, Any]] = None) -> None:
        if level not in LEVELS:
            raise TypeError(f"job.log: level must be one of {', '.join(LEVELS)}, got {level!r}")
        data: Dict[str, Any] = {"level": level, "message": str(message)}
        self._tell("log", data if context is None else {**data, "context": context})

    def partial(self, data: Any) -> None:
        self._tell("partial", data)
