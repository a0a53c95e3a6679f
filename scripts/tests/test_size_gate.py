"""size-gate and ledger.py: what passes, what fails, and that the ledger adds up."""

import hashlib
import importlib.machinery
import importlib.util
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import component
import ledger
import samples
import wasm_binary

loader = importlib.machinery.SourceFileLoader("size_gate", str(samples.SCRIPTS / "size-gate"))
size_gate = importlib.util.module_from_spec(importlib.util.spec_from_loader("size_gate", loader))
loader.exec_module(size_gate)

FUNCTIONS = (
    "_RNvXs_NtNtCs1_13dewclaw_agent5tools9read_fileNtB4_8ReadFileNtB6_4Tool4step",
    "_RNvNtNtCs1_13dewclaw_agent4wire4chat6decode",
    "_RNvNtCs1_13dewclaw_agent5agent4turn",
    "_RNvNtCs9_10serde_json2de5parse",
    "_RNvNtCs9pv848UzQwQ_4core3str4trim",
    "memcpy",
    "wasi:cli/run@0.2.0#run",
)


class Gate(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dist = Path(folder.name)
        self.file = self.dist / "app.wasm"
        self.file.write_bytes(samples.wrap(samples.core()))
        self.raw = self.file.stat().st_size
        self.gzip = ledger.gzip_size(self.file)

    def budget(self, raw=0, gzip=0, start_pages=2):
        """One byte of headroom is the least that passes; the arguments take from that."""
        ceilings = {"raw": self.raw + 1 + raw, "gzip": self.gzip + 1 + gzip, "start_pages": start_pages}
        return {"promise": {"raw": 300_000, "gzip": 120_000}, "artifacts": {"app": ceilings}}

    def failures(self, budget, **options):
        return size_gate.check(budget, self.dist, **options)[1]

    def test_what_keeps_to_the_budget_passes(self):
        sizes, failures = size_gate.check(self.budget(), self.dist)
        self.assertEqual(failures, [])
        self.assertEqual(sizes, {"app": {"raw": self.raw, "gzip": self.gzip, "start_pages": 2}})

    def test_gzip_is_that_of_the_command_line(self):
        piped = subprocess.run(["gzip", "-9"], input=self.file.read_bytes(), capture_output=True, check=True).stdout
        self.assertEqual(self.gzip, len(piped))

    def test_reaching_a_ceiling_fails(self):
        self.assertRegex(self.failures(self.budget(raw=-1))[0], r"^dist/app.wasm has .* raw, 1 too many: its ceiling is under")
        self.assertRegex(self.failures(self.budget(gzip=-1))[0], r"gzip, 1 too many: its ceiling is under")
        self.assertRegex(self.failures(self.budget(start_pages=1))[0], r"starts with 2 pages of memory: its ceiling is 1")

    def test_breaking_the_promise_fails(self):
        budget = self.budget(raw=10, gzip=10)
        budget["promise"] = {"raw": self.raw, "gzip": self.gzip}
        self.assertEqual(len([f for f in self.failures(budget) if "promise to users" in f]), 2)

    def test_missing_artifact_fails(self):
        self.file.unlink()
        self.assertEqual(self.failures(self.budget()), ["dist/app.wasm is missing: run scripts/build-wasm"])

    def test_artifact_without_ceilings_fails(self):
        (self.dist / "other.wasm").write_bytes(b"")
        self.assertEqual(self.failures(self.budget()), ["dist/other.wasm has no ceilings: add [artifacts.other] to size-budget.toml"])

    def test_other_bytes_than_the_tests_ran_fail(self):
        tested = self.dist / "tested.sha256"
        self.assertIn("has no tested.sha256", self.failures(self.budget(), tested_required=True)[0])
        tested.write_text(f"{hashlib.sha256(self.file.read_bytes()).hexdigest()}  app.wasm\n")
        self.assertEqual(self.failures(self.budget(), tested_required=True), [])
        tested.write_text(f"{'0' * 64}  app.wasm\n")
        self.assertEqual(self.failures(self.budget()), ["dist/app.wasm is not the file that the end-to-end tests ran: run scripts/test"])

    def test_budgets_that_are_refused(self):
        promise = "[promise]\nraw = 300\ngzip = 100\n"
        for text, message in [
            ("[promise", "budget.toml: "),
            ("", "promise has no raw"),
            (promise, "no artifacts"),
            (promise + "[artifacts.a]\nraw = 9\ngzip = 9", "a has no start_pages"),
            (promise + "[artifacts.a]\nraw = 301\ngzip = 9\nstart_pages = 1", "a allows 301 bytes raw, more than the promise"),
        ]:
            path = self.dist / "budget.toml"
            path.write_text(text)
            with self.assertRaisesRegex(size_gate.Refused, re.escape(message)):
                size_gate.read_budget(path)


class Budget(unittest.TestCase):
    path = samples.SCRIPTS.parent / "size-budget.toml"

    def test_the_promise_is_kept_as_made(self):
        self.assertEqual(size_gate.read_budget(self.path)["promise"], {"raw": 300_000, "gzip": 120_000})

    def test_every_number_has_its_reason(self):
        lines = self.path.read_text().splitlines()
        for before, line in zip(lines, lines[1:]):
            if re.match(r"\w+ *=", line):
                self.assertTrue(before.startswith("#"), f"no comment with the reason above: {line}")


class Ledger(unittest.TestCase):
    def setUp(self):
        self.named = samples.core(functions=FUNCTIONS)
        self.artifact, _ = component.splice(samples.wrap(self.named), self.named, "test")

    def test_adds_up_and_names_what_costs(self):
        rows = ledger.of(self.artifact, self.named, "test")
        self.assertEqual(sum(row.bytes for row in rows if row.level == 0), len(self.artifact))
        code = next(row.bytes for row in rows if row.name == "code")
        self.assertEqual(sum(row.bytes for row in rows if row.kind == "crate"), code)
        # A function's size is its body (3 bytes for the first, one more for each after) and its length.
        found = {(row.kind, row.name): row.bytes for row in rows}
        self.assertEqual(found["tool", "tools::read_file"], 4)
        self.assertEqual(found["wire", "wire::chat"], 5)
        self.assertEqual(found["module", "agent"], 6)
        self.assertEqual(found["crate", "dewclaw_agent"], 15)
        self.assertEqual(found["crate", "serde_json"], 7)
        self.assertEqual(found["crate", "Rust's standard library"], 8)
        self.assertEqual(found["crate", "C library and linker"], 9)
        self.assertEqual(found["module", "exports"], 10)
        self.assertEqual(found["segment", ".rodata"], 18)

    def test_a_core_module_has_one_too(self):
        artifact, _ = component.strip(self.named, "test")
        rows = ledger.of(artifact, self.named, "test")
        self.assertEqual(sum(row.bytes for row in rows if row.level == 0), len(artifact))

    def test_names_of_another_build_are_refused(self):
        with self.assertRaisesRegex(wasm_binary.Malformed, "of another build"):
            ledger.of(self.artifact, samples.core(), "test")


if __name__ == "__main__":
    unittest.main()
