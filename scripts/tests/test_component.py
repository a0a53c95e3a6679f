"""component.py: what it reads, what it refuses, what it puts back."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import samples
from component import splice
from wasm_binary import COMPONENT, CORE, Malformed, Reader, Section, encode, extract, interface, number, sections


class Numbers(unittest.TestCase):
    def test_round_trip(self):
        for value in [0, 1, 127, 128, 300, 65_536, 2**32 - 1]:
            self.assertEqual(Reader(number(value), "test").number(), value)

    def test_longer_forms_than_needed_are_read(self):
        self.assertEqual(Reader(b"\x83\x80\x80\x80\x00", "test").number(), 3)

    def test_cut_short_says_where(self):
        with self.assertRaisesRegex(Malformed, "test: 1 bytes expected, 0 left at byte 2 of 2"):
            Reader(b"\x80\x80", "test").number()

    def test_too_large_is_refused(self):
        for data in [b"\xff\xff\xff\xff\x1f", b"\x80\x80\x80\x80\x80\x00"]:
            with self.assertRaisesRegex(Malformed, "more than 32 bits"):
                Reader(data, "test").number()
        self.assertEqual(Reader(b"\xff" * 9 + b"\x01", "test").number(64), 2**64 - 1)


class Sections(unittest.TestCase):
    def test_every_cut_is_an_error_or_whole_sections(self):
        whole = samples.wrap(samples.core())
        ends = {8}
        for part in sections(whole, "test", COMPONENT):
            ends.add(max(ends) + len(part.encode()))
        for cut in range(len(whole)):
            if cut in ends:
                sections(whole[:cut], "test", COMPONENT)
            else:
                with self.assertRaises(Malformed):
                    sections(whole[:cut], "test", COMPONENT)

    def test_other_files_are_named(self):
        with self.assertRaisesRegex(Malformed, "not a WebAssembly component, it begins with 00 61 73 6d 01"):
            extract(samples.core(), "test")
        with self.assertRaisesRegex(Malformed, "begins with nothing"):
            extract(b"", "test")
        with self.assertRaisesRegex(Malformed, "holds no core module"):
            extract(COMPONENT, "test")


class Interfaces(unittest.TestCase):
    def test_imports_exports_and_pages(self):
        found = interface(samples.core(pages=3), "test")
        nothing = b"\x60\x00\x00"
        self.assertEqual(found.imports, {("host", "call"): ("function", nothing)})
        self.assertEqual(found.exports, {"run": ("function", nothing), "memory": ("memory", b"\x00\x03")})
        self.assertEqual(found.start_pages, 3)

    def test_no_memory_is_no_pages(self):
        self.assertEqual(interface(CORE, "test").start_pages, 0)

    def test_an_index_past_the_types(self):
        broken = encode(CORE, [Section(3, b"\x01\x07")])
        with self.assertRaisesRegex(Malformed, "type 7 of 0"):
            interface(broken, "test")


class Splice(unittest.TestCase):
    def setUp(self):
        self.original = samples.wrap(samples.core())

    def test_the_largest_module_is_the_program(self):
        self.assertEqual(extract(self.original, "test"), samples.core())

    def test_custom_sections_go_and_the_rest_stays(self):
        data, dropped = splice(self.original, samples.core(), "test")
        self.assertEqual(extract(data, "test"), samples.core(names=False))
        self.assertEqual([part.id for part in sections(data, "test", COMPONENT)], [1, 1, 4])
        self.assertEqual(sorted(title for title, _ in dropped), ["component-name", "name", "producers", "producers"])
        # The bytes saved are those said, and the shorter lengths of what they stood in.
        self.assertLessEqual(sum(size for _, size in dropped), len(self.original) - len(data))

    def test_an_unused_import_may_go(self):
        data, _ = splice(self.original, samples.core(imports=()), "test")
        self.assertEqual(interface(extract(data, "test"), "test").imports, {})

    def test_what_no_longer_fits_is_refused(self):
        for module, message in [
            (samples.core(export="walk"), "exports walk, which the original did not"),
            (samples.core(imports=(("host", "other"),)), r"imports \('host', 'other'\), which the original did not"),
            (samples.core(pages=5), "memory with another type"),
            (encode(CORE, []), "no longer exports run"),
        ]:
            with self.assertRaisesRegex(Malformed, message):
                splice(self.original, module, "test")


class Command(unittest.TestCase):
    def run_it(self, *arguments):
        command = [sys.executable, "-B", samples.SCRIPTS / "component.py", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_extract_and_splice(self):
        with tempfile.TemporaryDirectory() as folder:
            whole, core, out = (Path(folder) / name for name in ["whole.wasm", "core.wasm", "out.wasm"])
            whole.write_bytes(samples.wrap(samples.core()))
            self.assertEqual(self.run_it("extract", whole, core).returncode, 0)
            spliced = self.run_it("splice", whole, core, out)
            self.assertEqual(spliced.returncode, 0)
            self.assertRegex(spliced.stdout, r"producers 64; fewer sections: 0; shorter names: \d+\n")
            self.assertEqual(sections(out.read_bytes(), "test", COMPONENT)[2].id, 4)

    def test_a_missing_file_is_one_line(self):
        failed = self.run_it("extract", "nowhere.wasm", "core.wasm")
        self.assertEqual(failed.returncode, 1)
        self.assertRegex(failed.stderr, r"^component.py: .*nowhere.wasm'\n$")


if __name__ == "__main__":
    unittest.main()
