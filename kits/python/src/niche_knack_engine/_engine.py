from __future__ import annotations

import atexit
import inspect
import json
import os
import queue
import signal
import sys
import threading
import time
from typing import Any, Callable, Dict, Optional, TypeVar, overload

from ._cache import Cache, cache_methods
from ._errors import describe
from ._jobs import JobFunction, Jobs
from ._memory import memory
from ._models import Model, model_methods
from ._rpc import Later, Method, Params, answer
from ._wire import Output, encode, read_lines, take_stdout

F = TypeVar("F", bound=Callable[..., Any])

STATES = ("ok", "degraded", "error")


class Engine:
    """An engine: the process that an app's ``EngineClient`` starts. One to a process."""

    def __init__(self, version: str = "0.0.0") -> None:
        if not isinstance(version, str):
            raise TypeError(f"Engine: version takes a string; got {version!r}")
        self.cache = Cache()
        self._version = version
        self._began = time.monotonic()
        self._status: Callable[[], str] = lambda: "ok"
        self._models: Dict[str, Model] = {}
        self._output: Optional[Output] = None
        self._jobs = Jobs(self._write)
        self._methods: Dict[str, Method] = {
            "engine.health": lambda params: self._health(),
            **self._jobs.methods(),
            **cache_methods(self.cache),
            **model_methods(self._models),
        }
        # Put into by a signal handler too, which only this queue allows.
        self._stop: "queue.SimpleQueue[None]" = queue.SimpleQueue()

    @overload
    def job(self, type: str) -> Callable[[F], F]: ...
    @overload
    def job(self, type: str, fn: F) -> F: ...
    def job(self, type: str, fn: Optional[JobFunction] = None) -> Any:
        """
        Registers a job type: ``fn(payload, job)`` returns the result. Each job runs on a thread of its own.
        Without ``fn`` it is a decorator.
        """
        if fn is None:
            return lambda decorated: self.job(type, decorated)
        _must_be_plain(fn, f"Engine.job({type!r})")
        self._jobs.register(type, fn)
        return fn

    @overload
    def method(self, name: str) -> Callable[[F], F]: ...
    @overload
    def method(self, name: str, fn: F) -> F: ...
    def method(self, name: str, fn: Optional[Callable[[Params], Any]] = None) -> Any:
        """
        Answers a further method, or a standard one in its own way: ``fn(params)`` returns the result. Each call runs
        on a thread of its own. Without ``fn`` it is a decorator.
        """
        if fn is None:
            return lambda decorated: self.method(name, decorated)
        _must_be_plain(fn, f"Engine.method({name!r})")
        given = fn
        self._methods[name] = lambda params: Later(lambda: given(params))
        return fn

    def model(
        self,
        id: str,
        *,
        load: Callable[[Dict[str, Any]], Any],
        unload: Optional[Callable[[Any], Any]] = None,
        name: Optional[str] = None,
        type: str = "model",
        size: int = 0,
        memory_usage: Optional[Callable[[], int]] = None,
    ) -> Model:
        """Registers a model for ``models.*``. ``model.get()`` in a job gives what ``load(options)`` returned."""
        if id in self._models:
            raise ValueError(f"Engine.model: the model {id} is there already")
        _must_be_plain(load, f"Engine.model({id!r}): load")
        self._models[id] = Model(id, load, unload, name or id, type, size, memory_usage)
        return self._models[id]

    def health(self, fn: Callable[[], str]) -> Callable[[], str]:
        """Says how the engine is: ``fn()`` returns ``"ok"``, ``"degraded"`` or ``"error"``. Also a decorator."""
        self._status = fn
        return fn

    def notify(self, method: str, params: Any = None) -> None:
        """Sends the app a notification: its ``notification`` event."""
        given = "" if params is None else f',"params":{encode(params, f"The params of {method}")}'
        self._write(f'{{"jsonrpc":"2.0","method":{json.dumps(method)}{given}}}')

    def run(self) -> None:
        """
        Answers the app until stdin closes, SIGTERM comes, or nobody reads stdout. Then every job is told to stop, and
        this returns when they have, or after a second.
        """
        if self._output is not None:
            raise RuntimeError("Engine.run: the engine runs already")
        self._output = Output(take_stdout(), self._end)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda *_: self._end())
            # A thread that waits on Windows does not notice Ctrl-C: there it ends the process as it does by default.
            signal.signal(signal.SIGINT, signal.SIG_DFL if sys.platform == "win32" else lambda *_: self._end())
            # The interpreter's end takes these handlers away: stdin's end and SIGTERM come together, and the later one would kill.
            atexit.register(signal.signal, signal.SIGTERM, signal.SIG_IGN)
        threading.Thread(target=self._read, name="stdin", daemon=True).start()
        self._stop.get()
        if not self._jobs.stop():
            # A thread that runs on may hold a lock which the interpreter needs for its end, and would abort over.
            atexit.register(_leave)

    def _end(self) -> None:
        self._stop.put(None)

    def _read(self) -> None:
        try:
            for line in read_lines(0):
                answer(line, self._methods, self._write)
        finally:
            self._end()

    def _write(self, text: str) -> None:
        if self._output is None:
            raise RuntimeError("Engine.run() has not been called: there is nobody to write to")
        self._output.write(text)

    def _health(self) -> Dict[str, Any]:
        try:
            status = self._status()
            if status not in STATES:
                raise ValueError(f"Engine.health: must be one of {', '.join(STATES)}; got {status!r}")
        except Exception as error:
            describe(error)
            status = "error"
        uptime = int((time.monotonic() - self._began) * 1000)
        return {"status": status, "version": self._version, "uptime": uptime, "memory": memory()}


def _must_be_plain(fn: Any, what: str) -> None:
    if not callable(fn):
        raise TypeError(f"{what} takes a function; got {fn!r}")
    if inspect.iscoroutinefunction(fn):
        raise TypeError(f"{what} takes a plain function, which runs on a thread: call asyncio.run() inside of it")


def _leave() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass
    os._exit(0)
