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
from ._wire import Output, encode, read_lines, take_stdin, take_stdout

F = TypeVar("F", bound=Callable[..., Any])

STATES = ("ok", "degraded", "error")
ENDING = (signal.SIGTERM, signal.SIGINT)


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
        this returns when they have, or after a second. In a worker that multiprocessing spawns it does nothing.
        """
        if _is_worker():
            return
        if self._output is not None:
            raise RuntimeError("Engine.run: the engine runs already")
        stdin = take_stdin()
        self._output = Output(take_stdout(), self._end)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda *_: self._end())
            # A thread that waits on Windows does not notice Ctrl-C: there it ends the process as it does by default.
            signal.signal(signal.SIGINT, signal.SIG_DFL if sys.platform == "win32" else lambda *_: self._end())
            _leave_signals_to_forks()
        threading.Thread(target=self._read, args=(stdin,), name="stdin", daemon=True).start()
        self._stop.get()
        if threading.current_thread() is threading.main_thread():
            # The interpreter lets go of handlers early in its end, and a late SIGTERM would be told as the cause.
            for number in ENDING:
                signal.signal(number, signal.SIG_IGN)
        if not self._jobs.stop():
            # A thread that runs on may hold a lock which the interpreter needs for its end, and would abort over.
            atexit.register(_leave)

    def _end(self) -> None:
        self._stop.put(None)

    def _read(self, stdin: int) -> None:
        try:
            for line in read_lines(stdin):
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


def _is_worker() -> bool:
    """Whether this is a process of multiprocessing's, which imports the program anew under another name."""
    modules = sys.modules
    return "__mp_main__" in modules and modules["__mp_main__"] is not modules.get("__main__")


def _leave_signals_to_forks() -> None:
    """In a forked child there is no engine to end: a worker of multiprocessing would survive its ``terminate()``."""
    if sys.platform == "win32":
        return
    before = threading.local()

    # Held back meanwhile: Python forgets a signal that comes to a child which still has the engine's handlers.
    def hold() -> None:
        before.mask = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)

    def release() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before.mask)

    def be_ended() -> None:
        for number in ENDING:
            signal.signal(number, signal.SIG_DFL)
        release()

    os.register_at_fork(before=hold, after_in_parent=release, after_in_child=be_ended)


def _leave() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass
    os._exit(0)
