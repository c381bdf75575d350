"""JSON-RPC 2.0, the answering side: one line in, at most one line out. Knows nothing of jobs."""

from __future__ import annotations

import json
import threading
from typing import Any, Callable, Dict, Mapping, Optional

from ._errors import ErrorCodes, JobError, describe, invalid
from ._wire import encode, encode_error

Params = Dict[str, Any]
Method = Callable[[Params], Any]
Send = Callable[[str], None]


class Later:
    """What a method returns whose work takes long: it is done on a thread of its own, while stdin is read on."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work


class AndThen:
    """What a method returns that has something to do behind its answer."""

    def __init__(self, result: Any, then: Callable[[], None]) -> None:
        self.result = result
        self.then = then


def answer(line: bytes, methods: Mapping[str, Method], send: Send) -> None:
    if not line.strip():
        return
    try:
        request = json.loads(line.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        _send_error(send, None, JobError(ErrorCodes.PARSE_ERROR, f"Parse error: {error}"))
        return
    fault = _fault_of(request)
    if fault is not None:
        readable = isinstance(request, dict) and _is_id(request.get("id"))
        _send_error(send, request.get("id") if readable else None, JobError(ErrorCodes.INVALID_REQUEST, fault))
    elif "method" in request:  # without one it is an answer to something that this engine never asked
        _Call(request, send).run(methods)


class _Call:
    def __init__(self, request: Dict[str, Any], send: Send) -> None:
        self._method: str = request["method"]
        self._params = request.get("params")
        # Without an id it is a notification, which gets no answer.
        self._asked = "id" in request
        self._id = request.get("id")
        self._send = send

    def run(self, methods: Mapping[str, Method]) -> None:
        try:
            result = self._begin(methods)
            if isinstance(result, Later):
                work = result.work
                threading.Thread(target=lambda: self._settle(work), name=self._method, daemon=True).start()
                return
        except BaseException as error:
            self._fail(error)
            return
        if isinstance(result, AndThen):
            self._settle(lambda: result.result)
            result.then()
        else:
            self._settle(lambda: result)

    def _begin(self, methods: Mapping[str, Method]) -> Any:
        method = methods.get(self._method)
        if method is None:
            raise JobError(ErrorCodes.METHOD_NOT_FOUND, f"Method not found: {self._method}")
        if self._params is None:
            return method({})
        if not isinstance(self._params, dict):
            raise invalid(f"{self._method}: params must be an object")
        return method(self._params)

    def _settle(self, work: Callable[[], Any]) -> None:
        try:
            result = work()
            if not self._asked:
                return
            text = encode(result, f"The result of {self._method}")
        except BaseException as error:
            self._fail(error)
            return
        self._send(f'{{"jsonrpc":"2.0","id":{json.dumps(self._id)},"result":{text}}}')

    def _fail(self, error: BaseException) -> None:
        if self._asked:
            _send_error(self._send, self._id, error)
        else:
            describe(error)


def _send_error(send: Send, request_id: Any, error: BaseException) -> None:
    text = encode_error(describe(error))
    send(f'{{"jsonrpc":"2.0","id":{json.dumps(request_id)},"error":{text}}}')


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _is_id(value: Any) -> bool:
    return value is None or isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _fault_of(request: Any) -> Optional[str]:
    if isinstance(request, list):
        return "Batches are not answered: send one request a line"
    if not isinstance(request, dict) or request.get("jsonrpc") != "2.0":
        return 'Not a JSON-RPC 2.0 request: jsonrpc must be "2.0"'
    if not _is_id(request.get("id")):
        return "Not a JSON-RPC 2.0 request: id must be a string or a number"
    if "method" not in request and ("result" in request or "error" in request):
        return None
    if not isinstance(request.get("method"), str):
        return "Not a JSON-RPC 2.0 request: method must be a string"
    return None
