from __future__ import annotations

import traceback
from typing import Any, Dict


class ErrorCodes:
    """The numbers of JSON-RPC 2.0, and those that engines use. The same as the runtime's ``ErrorCodes``."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    JOB_NOT_FOUND = -31001
    JOB_ALREADY_RUNNING = -31002
    JOB_CANCELLED = -31003
    JOB_TIMEOUT = -31004
    MODEL_NOT_FOUND = -30001
    MODEL_LOAD_FAILED = -30002
    INSUFFICIENT_MEMORY = -30003
    CACHE_MISS = -29001
    CACHE_FULL = -29002


class JobError(Exception):
    """An error whose code, message and data reach the app as they are, from a job as from a method."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class JobCancelled(JobError):
    """What ``job.check()`` raises when the app has cancelled the job."""

    def __init__(self) -> None:
        super().__init__(ErrorCodes.JOB_CANCELLED, "Job cancelled")


def invalid(message: str) -> JobError:
    return JobError(ErrorCodes.INVALID_PARAMS, message)


def describe(error: BaseException) -> Dict[str, Any]:
    """
    What the app is told of an error. One that is no ``JobError`` is a surprise: stderr gets its traceback. Anything can
    be raised, and nothing that is may keep the app from hearing of the end.
    """
    try:
        if isinstance(error, JobError):
            return _told(error)
        _trace(error)
        message = "".join(traceback.format_exception_only(type(error), error)).strip()
    except Exception:
        message = f"{type(error).__name__}, which cannot be shown as a text"
    return {"code": ErrorCodes.INTERNAL_ERROR, "message": message}


def _told(error: JobError) -> Dict[str, Any]:
    code = error.code if isinstance(error.code, (int, str)) else ErrorCodes.INTERNAL_ERROR
    described = {"code": code, "message": str(error.message)}
    return described if error.data is None else {**described, "data": error.data}


def _trace(error: BaseException) -> None:
    try:
        traceback.print_exception(type(error), error, error.__traceback__)
    except (OSError, ValueError):  # nobody reads stderr, or it was closed
        pass
