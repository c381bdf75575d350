"""Counts the words of a text, one by one. A job's payload: {text, secondsPerWord?}."""

from niche_knack_engine import Engine

engine = Engine(version="1.0.0")


@engine.job("count")
def count(payload, job):
    words = payload["text"].split()
    for done, word in enumerate(words, 1):
        job.wait(payload.get("secondsPerWord", 0))
        job.check()
        print(f"counted {word}")  # a stray print: it goes to stderr
        job.progress(100 * done // len(words), word)
    return {"words": len(words)}


engine.run()
