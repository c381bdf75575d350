"""One of three engines of the same behaviour, for ``__test__/kits/``: what a kit is tried with."""

import ctypes
import multiprocessing
import os
import subprocess
import sys
import threading
import time

from niche_knack_engine import Engine, JobError

engine = Engine(version="1.2.3")
healthy = ["ok"]
loads = []


def load(options):
    if options.get("fail"):
        raise ValueError("no such data")
    loads.append(1)
    return {"words": len(loads)}


model = engine.model("eng", name="English", type="ocr", size=7, load=load)


@engine.health
def health():
    if healthy[0] == "breaks":
        raise RuntimeError("no health")
    return healthy[0]


@engine.method("health.set")
def set_health(params):
    healthy[0] = params["status"]
    return True


@engine.method("double")
def double(params):
    if params["number"] < 0:
        raise JobError(-31999, "too small", {"number": params["number"]})
    return params["number"] * 2


@engine.method("fails")
def fails(params):
    raise RuntimeError("a surprise")


@engine.method("tell")
def tell(params):
    engine.notify(params["method"], params["params"])


engine.job("echo", lambda payload, job: payload)
engine.job("nothing", lambda payload, job: None)


@engine.job("reports")
def reports(payload, job):
    job.progress(10, "begun")
    job.progress(10, "begun")  # the same again
    job.progress(250)
    job.log("warn", "a log line", {"answer": 42})
    job.partial([1, "zwei"])
    return "done"


engine.job("nan", lambda payload, job: {"score": float("nan")})
engine.job("nanPartial", lambda payload, job: job.partial(float("nan")))


@engine.job("throws")
def throws(payload, job):
    raise RuntimeError("a surprise")


@engine.job("fails")
def fails_as_it_says(payload, job):
    raise JobError(-30003, "no memory left", {"needed": 5})


class Forgetful(JobError):
    def __init__(self):
        pass


class Speechless(Exception):
    def __str__(self):
        raise RuntimeError("no text")


odd = [
    SystemExit(3),
    Forgetful(),
    Speechless(),
    JobError(-1, ValueError("in its place")),
    JobError(-1, Speechless()),
    JobError(object(), "no number"),
    JobError(-1, "with data", {1, 2}),
]


@engine.job("throwsOdd")
def throws_odd(index, job):
    if index >= len(odd):
        return "no more"
    raise odd[index]


@engine.job("childReads")
def child_reads(payload, job):
    program = "import sys; sys.stdout.write(sys.stdin.read())"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout


@engine.job("terminatesWorkers")
def terminates_workers(payload, job):
    codes = {}
    for method in multiprocessing.get_all_start_methods():
        worker = multiprocessing.get_context(method).Process(target=time.sleep, args=(60,))
        worker.start()
        worker.terminate()
        worker.join(20)
        codes[method] = worker.exitcode
    return codes


@engine.job("spawnsWorker")
def spawns_worker(payload, job):
    worker = multiprocessing.get_context("spawn").Process(target=print, args=("printed by a worker",))
    worker.start()
    worker.join()
    return worker.exitcode


engine.job("model", lambda payload, job: model.get()["words"])


@engine.job("waits")
def waits(payload, job):
    job.progress(1, "waiting")
    job.wait(60)
    job.progress(2, "told")  # behind the cancellation: not sent
    job.check()


@engine.job("ignoresCancel")
def ignores_cancel(payload, job):
    job.progress(1, "busy")
    time.sleep(payload["seconds"])
    return "all the same"


@engine.job("talks")
def talks(payload, job):
    text = "x" * payload["size"]
    for part in range(payload["parts"]):
        job.partial({"part": part, "text": text})
    return "said"


@engine.job("progresses")
def progresses(payload, job):
    text = "x" * payload["size"]
    for at in range(1, payload["times"] + 1):
        job.progress(100 * at / payload["times"], f"{text}{at}")
    return "done"


@engine.job("prints")
def prints(payload, job):
    print("printed by print")
    sys.stdout.write('{"jsonrpc":"2.0","method":"stray"}\n')
    os.write(1, b'{"jsonrpc":"2.0","method":"stray"}\n')
    subprocess.run([sys.executable, "-c", "print('printed by a child')"], check=True)
    if sys.platform != "win32":
        libc = ctypes.CDLL(None)
        libc.puts(b"printed by C")
        libc.fflush(None)
    return "done"


@engine.job("noise")
def noise(payload, job):
    def one(thread):
        for event in range(payload["events"]):
            print(f"noise {thread}")
            job.partial({"thread": thread, "event": event, "text": "ä" * 200})

    threads = [threading.Thread(target=one, args=(number,)) for number in range(payload["threads"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "done"


engine.run()
