"""tools.sh, check-wit, wasm-test-runner and wamr-test-runner: what they accept and what they refuse."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import samples


def run(*command, **variables):
    environment = {**os.environ, **{key: str(value) for key, value in variables.items()}}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


class Scratch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def program(self, name, text):
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path


class Tools(Scratch):
    def bash(self, script, **variables):
        return run("bash", "-euo", "pipefail", "-c", f". {samples.SCRIPTS}/tools.sh; {script}", **variables)

    def test_versions_are_compared_as_numbers(self):
        for version, least, holds in [
            ("48.0.8", "48", True),
            ("132", "132", True),
            ("9", "10", False),
            ("47.99", "48", False),
            ("20.9", "20.15", False),
            ("", "1", False),
        ]:
            self.assertEqual(self.bash(f'at_least "{version}" {least}').returncode == 0, holds, version)

    def test_a_named_tool_that_is_too_old_or_absent_is_refused(self):
        old = self.program("wasm-opt", "echo 'wasm-opt version 108'")
        failed = self.bash("need_wasm_opt", WASM_OPT=old)
        self.assertEqual(failed.returncode, 1)
        self.assertEqual(failed.stderr, f"dewclaw: WASM_OPT={old} is not a wasm-opt of version 132 or newer\n")
        failed = self.bash("need_wasmtime", WASMTIME=self.folder / "none")
        self.assertEqual(failed.returncode, 1)
        self.assertIn("is not a wasmtime of version 48 or newer", failed.stderr)

    def test_a_named_tool_that_is_new_enough_is_taken(self):
        new = self.program("wasmtime", "echo 'wasmtime 49.1.0 (abc 2027-01-01)'")
        self.assertEqual(self.bash('need_wasmtime; echo "$WASMTIME"', WASMTIME=new).stdout, f"{new}\n")

    def test_a_named_wamr_runner_is_taken_if_it_is_one(self):
        right = self.program("right", "echo 'wamr-runner 0.1.0 (WAMR 2.4.3)'")
        self.assertEqual(self.bash('need_wamr; bash -c \'echo "$WAMR_RUNNER"\'', WAMR_RUNNER=right).stdout, f"{right}\n")
        failed = self.bash("need_wamr", WAMR_RUNNER=self.program("wrong", "echo iwasm 2.4.3"))
        self.assertEqual(failed.returncode, 1)
        self.assertIn("wrong is not a wamr-runner", failed.stderr)

    def test_what_cannot_be_installed_is_named(self):
        failed = self.bash("apt-get() { return 100; }; need_base no-such-command")
        self.assertEqual(failed.returncode, 1)
        self.assertRegex(failed.stderr, "no-such-command.* run this again")


class CheckWit(Scratch):
    def setUp(self):
        super().setUp()
        shutil.copytree(samples.SCRIPTS.parent / "wit", self.folder / "wit")
        (self.folder / "scripts").mkdir()
        for name in ["check-wit", "tools.sh"]:
            shutil.copy(samples.SCRIPTS / name, self.folder / "scripts")

    def check(self, *arguments):
        return run(self.folder / "scripts/check-wit", *arguments)

    def test_the_packages_are_what_the_lock_says(self):
        self.assertEqual(self.check().returncode, 0)

    def test_a_file_changed_added_or_gone_is_named(self):
        deps = self.folder / "wit/deps"
        changes = {
            "deps/cli/run.wit": lambda: (deps / "cli/run.wit").write_text("// another\n"),
            "deps/cli/new.wit": lambda: (deps / "cli/new.wit").write_text(""),
            "deps/io/poll.wit": lambda: (deps / "io/poll.wit").unlink(),
        }
        for named, change in changes.items():
            change()
            failed = self.check()
            self.assertEqual(failed.returncode, 1)
            self.assertIn(named, failed.stderr)
            self.assertIn("check-wit --write", failed.stderr)
        self.assertEqual(self.check("--write").returncode, 0)
        self.assertEqual(self.check().returncode, 0)


class WasmTestRunner(Scratch):
    def test_the_program_gets_a_scratch_folder_its_arguments_and_our_variables(self):
        shown = 'if [ "$1" = --version ]; then echo wasmtime 48.0.8; else echo "$@"; exit 7; fi'
        wasmtime = self.program("wasmtime", shown)
        runner = samples.SCRIPTS / "wasm-test-runner"
        done = run(runner, "a.wasm", "--quiet", "two words", WASMTIME=wasmtime, DEWCLAW_ONE="1")
        self.assertEqual(done.returncode, 7)
        self.assertRegex(done.stdout, r"^run -S http --dir (\S+)::/ .*--env DEWCLAW_ONE .*a.wasm --quiet two words\n$")
        self.assertFalse(Path(done.stdout.split()[4].removesuffix("::/")).exists())


class WamrTestRunner(Scratch):
    def test_the_program_gets_a_scratch_folder_this_machine_and_the_variables_of_contract_tests(self):
        shown = 'if [ "$1" = --version ]; then echo wamr-runner 0.1.0; else echo "$@"; exit 7; fi'
        wamr = self.program("wamr-runner", shown)
        runner = samples.SCRIPTS / "wamr-test-runner"
        variables = {"DEWCLAW_CONTRACT_ONE": "1", "DEWCLAW_OTHER": "2"}
        done = run(runner, "a.wasm", "--quiet", "two words", WAMR_RUNNER=wamr, **variables)
        self.assertEqual(done.returncode, 7)
        flags, _, arguments = done.stdout.partition(" a.wasm ")
        self.assertEqual(arguments, "--quiet two words\n")
        self.assertIn("--env=DEWCLAW_CONTRACT_ONE=1", flags)
        self.assertIn("--addr-pool=127.0.0.0/8,::1/128 --allow-resolve=localhost", flags)
        self.assertNotIn("DEWCLAW_OTHER", flags)
        folder = flags.partition("--map-dir=/::")[2].split()[0]
        self.assertFalse(Path(folder).exists())

    def test_a_missing_runner_is_named_with_how_to_build_it(self):
        runner = samples.SCRIPTS / "wamr-test-runner"
        failed = run(runner, "a.wasm", WAMR_RUNNER="", CARGO_TARGET_DIR=self.folder)
        self.assertEqual(failed.returncode, 1)
        self.assertIn("cargo build --release -p wamr-runner", failed.stderr)


if __name__ == "__main__":
    unittest.main()
