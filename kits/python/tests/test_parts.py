"""The parts that need no process. What an engine does as a whole is tried by ``__test__/kits/``."""

import os
import threading
import unittest

from niche_knack_engine import Engine, ErrorCodes, JobCancelled, JobError
from niche_knack_engine._cache import Cache
from niche_knack_engine._memory import memory
from niche_knack_engine._rpc import answer
from niche_knack_engine._wire import Output, encode, read_lines


class Lines(unittest.TestCase):
    def lines(self, *writes):
        reader, writer = os.pipe()

        def write():
            for part in writes:
                os.write(writer, part)
            os.close(writer)

        thread = threading.Thread(target=write)
        thread.start()
        lines = list(read_lines(reader))
        thread.join()
        os.close(reader)
        return lines

    def test_lines_are_whole_however_they_were_written(self):
        long = b"x" * 1_000_000
        self.assertEqual(self.lines(b"a", b"b\n\nc\n", b"d", b"\n", long, b"y\nz"), [b"ab", b"", b"c", b"d", long + b"y", b"z"])

    def test_a_writer_that_lost_its_reader_says_so_once(self):
        reader, writer = os.pipe()
        gone = []
        output = Output(writer, lambda: gone.append(True))
        output.write("a")
        self.assertEqual(os.read(reader, 10), b"a\n")
        os.close(reader)
        output.write("b")
        output.write("c")
        os.close(writer)
        self.assertEqual(gone, [True])


class Values(unittest.TestCase):
    def test_what_json_has_is_ascii(self):
        self.assertEqual(encode({"ü": ["\ud800", None, 1.5]}, "It"), '{"\\u00fc":["\\ud800",null,1.5]}')

    def test_what_json_has_not_is_an_error_that_names_it(self):
        endless = []
        endless.append(endless)
        for value in (float("nan"), float("inf"), {1, 2}, b"bytes", endless, object()):
            with self.assertRaisesRegex(JobError, "^It cannot be written as JSON: ") as raised:
                encode(value, "It")
            self.assertEqual(raised.exception.code, ErrorCodes.INTERNAL_ERROR)

    def test_a_deep_request_is_a_parse_error(self):
        said = []
        answer(b"[" * 100_000, {}, said.append)
        self.assertIn('"code":-32700', said[0])

    def test_this_process_has_memory(self):
        told = memory()
        self.assertGreater(told["used"], 1_000_000)
        self.assertGreater(told["total"], told["used"])


class TheCache(unittest.TestCase):
    def test_the_least_recently_used_leaves_for_space(self):
        cache = Cache(limit=20)
        for key in "ab":
            cache.set(key, "12")  # 2 × (1 + 4) bytes
        cache.get("a")
        cache.set("c", "12")
        self.assertEqual([cache.get(key)["found"] for key in "abc"], [True, False, True])
        self.assertEqual(cache.set("a", "1234567890"), {"success": False})
        self.assertEqual(cache.get("a"), {"found": False})

    def test_a_value_that_json_has_not_is_not_kept(self):
        with self.assertRaises(JobError):
            Cache().set("a", object())


class TheEngine(unittest.TestCase):
    def test_decorators_give_the_function_back(self):
        engine = Engine(version="1.0.0")

        @engine.job("count")
        def count(payload, job):
            return payload

        @engine.method("double")
        def double(params):
            return params["number"] * 2

        self.assertEqual((count(5, None), double({"number": 2})), (5, 4))

    def test_mistakes_are_named(self):
        engine = Engine()
        engine.job("count", lambda payload, job: None)

        async def later(payload, job):
            pass

        with self.assertRaisesRegex(ValueError, "count is there already"):
            engine.job("count", lambda payload, job: None)
        with self.assertRaisesRegex(TypeError, r"Engine\.job\('later'\) takes a plain function"):
            engine.job("later", later)
        with self.assertRaisesRegex(TypeError, r"Engine\.method\('x'\) takes a function; got 5"):
            engine.method("x", 5)
        with self.assertRaisesRegex(TypeError, "version takes a string; got 2"):
            Engine(version=2)
        with self.assertRaisesRegex(RuntimeError, r"run\(\) has not been called"):
            engine.notify("news")

    def test_a_cancellation_is_a_job_error(self):
        self.assertEqual((JobCancelled().code, str(JobCancelled())), (ErrorCodes.JOB_CANCELLED, "Job cancelled"))

    def test_the_numbers_are_those_of_the_contract(self):
        numbers = {name: number for name, number in vars(ErrorCodes).items() if name.isupper()}
        self.assertEqual(len(numbers), 14)
        self.assertEqual(numbers["JOB_CANCELLED"], -31003)


if __name__ == "__main__":
    unittest.main()
