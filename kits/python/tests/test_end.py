"""The very end of an engine's process, which no engine of ``__test__/kits/`` can be asked for at a chosen moment."""

import os
import subprocess
import sys
import textwrap
import unittest

SOURCE = os.path.join(os.path.dirname(__file__), "..", "src")


class End(unittest.TestCase):
    @unittest.skipIf(sys.platform == "win32", "Windows has no SIGTERM")
    def test_sigterm_during_the_interpreter_s_end_changes_nothing(self):
        engine = textwrap.dedent(
            """
            import os, signal
            from niche_knack_engine import Engine

            class Late:
                def __init__(self):
                    self.kill, self.arguments = os.kill, (os.getpid(), signal.SIGTERM)

                def __del__(self):
                    self.kill(*self.arguments)

            late = Late()  # deleted with the module, when the interpreter has given its signal handlers up
            Engine(version="1.0.0").run()
            """
        )
        ended = subprocess.run(
            [sys.executable, "-c", engine],
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": SOURCE},
            check=False,
        )
        self.assertEqual(ended.returncode, 0)


if __name__ == "__main__":
    unittest.main()
