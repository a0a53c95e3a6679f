"""examples/embed-python/dewclaw.py: what the interface becomes in Python, and what an instance costs."""

import os
import unittest
from pathlib import Path

import example  # First: it makes the example's modules importable.
from dewclaw import Program, SessionError, Variant, config

DIST = Path(os.environ.get("DEWCLAW_DIST") or example.FOLDER.parents[1] / "dist")
CONFIG = config({"model": "m"})

# Kilobytes of memory that a thousand instances may take, each with a session: some three times what they do.
MOST_KIB = 150_000


def resident_kib():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


class Sessions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = Program(DIST / "dewclaw-core.wasm")

    def test_a_thousand_instances_live_in_one_process(self):
        before = resident_kib()
        sessions = [self.program.start().open(CONFIG, [], seed) for seed in range(1000)]
        self.assertLess(resident_kib() - before, MOST_KIB)
        for number, session in enumerate(sessions):
            session.prompt(f"prompt {number}")
        for number, session in enumerate(sessions):
            self.assertEqual(session.next().tag, "call-model")
            self.assertIn(b'"prompt %d"' % number, b"".join(session.body()))

    def test_a_misuse_is_an_error_with_its_name(self):
        session = self.program.start().open(CONFIG, [], 7)
        session.prompt("hi")
        calls = {
            "busy": lambda: session.prompt("hi"),
            "unknown-request": lambda: session.reply_end(9),
            "unknown-operation": lambda: session.operation_done(9, Variant("done")),
            "unknown-call": lambda: session.tool_done("c", Variant("ok", "")),
            "nothing-to-advance": lambda: session.advance(0),
            "saved": lambda: session.instance.restore(CONFIG, [], b"junk"),
            "config": lambda: session.instance.open(config({"model": "m", "wire": "x"}), [], 7),
        }
        for name, misuse in calls.items():
            with self.assertRaises(SessionError) as caught:
                misuse()
            self.assertEqual(caught.exception.name, name)
        self.assertEqual(session.next().tag, "call-model")

    def test_a_session_goes_on_in_another_engine(self):
        session = self.program.start().open(CONFIG, [], 7)
        session.prompt("hi 🦀")
        self.assertEqual(session.next().tag, "call-model")
        body, saved = b"".join(session.body()), session.save()
        session.close()
        elsewhere = Program(DIST / "dewclaw-core.wasm").start().restore(CONFIG, [], saved)
        self.assertEqual(elsewhere.next().tag, "call-model")
        self.assertEqual(b"".join(elsewhere.body()), body)


if __name__ == "__main__":
    unittest.main()
