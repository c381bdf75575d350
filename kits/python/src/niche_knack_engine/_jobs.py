"""
The jobs, each on a thread of its own. A job begins behind the answer to its ``jobs.start`` and ends in exactly one way,
which is a ``result`` event, an ``error`` event, or a ``jobs.cancel`` that is answered with ``success: true``.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import deque
from typing import Any, Callable, Deque, Dict, Optional

from ._errors import ErrorCodes, JobCancelled, JobError, describe, invalid
from ._job import Job
from ._rpc import AndThen, Later, Method, Params
from ._wire import encode, encode_error

JobFunction = Callable[[Any, Job], Any]

# Ended jobs that jobs.status, jobs.result and jobs.list still know, and how much text their results may be.
REMEMBERED = 100
REMEMBERED_LENGTH = 16 * 1024 * 1024
# How long jobs.cancel waits for the job's function to return, and the end of the engine for its jobs.
GRACE_SECONDS = 1.0

PRIORITIES = ("low", "normal", "high")


class _Record:
    def __init__(self, type: str, priority: str) -> None:
        self.id = str(uuid.uuid4())
        self.type = type
        self.priority = priority
        self.state = "pending"
        self.stop = threading.Event()
        self.answered = threading.Event()
        self.returned = threading.Event()
        # So that no event of another thread of the job comes behind its last one.
        self.telling = threading.Lock()
        # Calls of jobs.cancel that wait for the end: they tell of it, so that no event need.
        self.cancels = 0
        self.progress: Optional[float] = None
        self.message: Optional[str] = None
        self.started_at: Optional[int] = None
        self.completed_at: Optional[int] = None
        self.result: Optional[str] = None
        self.error: Optional[str] = None

    @property
    def ended(self) -> bool:
        return self.completed_at is not None

    def info(self) -> Dict[str, Any]:
        return _present({"jobId": self.id, "type": self.type, "state": self.state, "progress": self.progress})

    def status(self) -> Dict[str, Any]:
        return _present(
            {
                "state": self.state,
                "progress": self.progress,
                "message": self.message,
                "startedAt": self.started_at,
                "completedAt": self.completed_at,
            }
        )


class Jobs:
    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._types: Dict[str, JobFunction] = {}
        self._lock = threading.Lock()
        self._jobs: Dict[str, _Record] = {}
        self._ended: Deque[_Record] = deque()  # oldest first
        self._results_length = 0

    def register(self, type: str, fn: JobFunction) -> None:
        if type in self._types:
            raise ValueError(f"Engine.job: the job type {type} is there already")
        self._types[type] = fn

    def methods(self) -> Dict[str, Method]:
        return {
            "jobs.start": self._start,
            "jobs.status": lambda params: self._find(params).status(),
            "jobs.result": lambda params: self._result(self._find(params)),
            "jobs.cancel": lambda params: self._cancel(self._find(params)),
            "jobs.list": lambda params: [job.info() for job in self._all()],
        }

    def stop(self) -> bool:
        """Tells every job to stop, and waits for their functions, but not for long. Whether they all returned."""
        running = [job for job in self._all() if not job.ended]
        for job in running:
            job.stop.set()
        deadline = time.monotonic() + GRACE_SECONDS
        return all([job.returned.wait(max(0, deadline - time.monotonic())) for job in running])

    def _start(self, params: Params) -> AndThen:
        type, priority = params.get("type"), params.get("priority")
        if not isinstance(type, str):
            raise invalid("jobs.start: type must be a string")
        fn = self._types.get(type)
        if fn is None:
            known = ", ".join(self._types) or "none"
            raise invalid(f"Unknown job type: {type}; this engine runs: {known}")
        if priority is not None and priority not in PRIORITIES:
            raise invalid(f"jobs.start: priority must be one of {', '.join(PRIORITIES)}")
        job = _Record(type, priority or "normal")
        # Started before the answer, so that a thread that cannot be had is an error there; it waits for the answer.
        payload = params.get("payload")
        threading.Thread(target=self._run, args=(job, fn, payload), name=f"{type} {job.id}", daemon=True).start()
        with self._lock:
            self._jobs[job.id] = job
        return AndThen({"jobId": job.id}, job.answered.set)

    def _run(self, job: _Record, fn: JobFunction, payload: Any) -> None:
        job.answered.wait()
        result: Optional[str] = None
        error: Dict[str, Any] = {}
        try:
            if job.stop.is_set():
                raise JobCancelled()
            job.started_at = _now()
            job.state = "running"
            handle = Job(job.id, job.type, job.priority, job.stop, lambda kind, data: self._tell(job, kind, data))
            result = encode(fn(payload, handle), f"The result of the job ({job.type})")
        except BaseException as raised:  # SystemExit of a job is the job's failure
            error = describe(raised if not job.stop.is_set() else JobCancelled())
        with job.telling:
            self._end(job, result, error)
        job.returned.set()

    def _end(self, job: _Record, result: Optional[str], error: Dict[str, Any]) -> None:
        with self._lock:
            if job.stop.is_set():
                result, error, job.state = None, describe(JobCancelled()), "cancelled"
            else:
                job.state = "failed" if result is None else "done"
            text = encode_error(error) if result is None else result
            if result is None:
                job.error = text
            else:
                job.result = text
            job.completed_at = _now()
            silent = job.cancels > 0
            self._remember(job)
        if not silent:
            self._write(_event(job, "error" if result is None else "result", text))

    def _remember(self, job: _Record) -> None:
        self._ended.append(job)
        self._results_length += len(job.result or "")
        for old in self._ended:
            if self._results_length <= REMEMBERED_LENGTH:
                break
            self._forget_result(old)
        if len(self._ended) > REMEMBERED:
            old = self._ended.popleft()
            self._forget_result(old)
            del self._jobs[old.id]

    def _forget_result(self, job: _Record) -> None:
        self._results_length -= len(job.result or "")
        job.result = None

    def _tell(self, job: _Record, kind: str, data: Any) -> None:
        text = encode(data, f"job.{kind}: what it is given")
        with job.telling:
            if job.ended or job.stop.is_set():
                return
            if kind == "progress":
                percent, message = data["percent"], data.get("message")
                if (job.progress, job.message) == (percent, message):
                    return
                job.progress, job.message = percent, message
            self._write(_event(job, kind, text))

    def _all(self) -> "list[_Record]":
        with self._lock:
            return list(self._jobs.values())

    def _find(self, params: Params) -> _Record:
        job_id = params.get("jobId")
        if not isinstance(job_id, str):
            raise invalid("jobId must be a string")
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            raise JobError(ErrorCodes.JOB_NOT_FOUND, f"Job not found: {job_id}")
        return job

    def _result(self, job: _Record) -> Dict[str, Any]:
        if not job.ended:
            raise JobError(ErrorCodes.JOB_ALREADY_RUNNING, f"The job has not ended: {job.id}")
        if job.error is not None:
            return {"success": False, "error": json.loads(job.error)}
        text = job.result
        if text is None:
            raise JobError(ErrorCodes.JOB_NOT_FOUND, f"The result is no longer kept: {job.id}")
        return {"success": True, "data": json.loads(text)}

    def _cancel(self, job: _Record) -> Any:
        with self._lock:
            if job.ended:
                return {"success": False, "reason": f"The job has ended: {job.state}"}
            job.cancels += 1
            job.stop.set()
        return Later(lambda: self._cancelled(job))

    def _cancelled(self, job: _Record) -> Dict[str, Any]:
        job.returned.wait(GRACE_SECONDS)
        with self._lock:
            if job.ended:
                return {"success": True}
            job.cancels -= 1
        reason = "The job was told to stop and runs on; an error event follows when it has stopped"
        return {"success": False, "reason": reason}


def _event(job: _Record, kind: str, data: str) -> str:
    return f'{{"type":"{kind}","jobId":"{job.id}","timestamp":{_now()},"data":{data}}}'


def _now() -> int:
    return int(time.time() * 1000)


def _present(values: Dict[str, Any]) -> Dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
