#!/usr/bin/env python3
"""Well behaved: the job `count` counts the words of `text`, `secondsPerWord` for each. No cache, no models."""
import itertools, json, sys, threading, time

BEGAN = time.monotonic()
numbers, cancels, lock = itertools.count(1), {}, threading.Lock()


def send(message):
    with lock:
        sys.stdout.write(json.dumps(message, allow_nan=False) + "\n")
        sys.stdout.flush()


def work(job_id, payload, cancelled):
    def event(kind, data):
        send({"type": kind, "jobId": job_id, "timestamp": int(time.time() * 1000), "data": data})

    try:
        words = payload["text"].split()
        for done, word in enumerate(words, 1):
            if cancelled.wait(payload.get("secondsPerWord", 0)):
                return
            event("progress", {"percent": 100 * done // len(words), "message": word})
        event("result", {"words": len(words)})
    except Exception as error:
        event("error", {"code": -32603, "message": repr(error)})
    cancels.pop(job_id, None)


def answer(method, params):
    if method == "engine.health":
        uptime = int((time.monotonic() - BEGAN) * 1000)
        return {"result": {"status": "ok", "version": "1", "uptime": uptime, "memory": {"used": 1, "total": 2}}}
    if method == "jobs.start":
        job_id = f"job-{next(numbers)}"
        cancels[job_id] = threading.Event()
        threading.Thread(target=work, args=(job_id, params["payload"], cancels[job_id])).start()
        return {"result": {"jobId": job_id}}
    if method == "jobs.cancel":
        cancelled = cancels.pop(params["jobId"], None)
        if cancelled:
            cancelled.set()
        return {"result": {"success": cancelled is not None}}
    return {"error": {"code": -32601, "message": f"Method not found: {method}"}}


for line in sys.stdin:
    request = json.loads(line)
    if "id" in request:
        send({"jsonrpc": "2.0", "id": request["id"], **answer(request["method"], request.get("params"))})
for cancelled in list(cancels.values()):
    cancelled.set()
