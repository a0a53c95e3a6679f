"""function_order.py: functions move, and everything that names one follows."""

import unittest

import function_order
import samples
from function_order import arrange
from samples import name, vector
from wasm_binary import CODE, CORE, CUSTOM, ELEMENT, EXPORT, FUNCTION, Malformed, Reader, Section, encode, number, sections


def module(*bodies, export=0, elements=(), names=()):
    """A core module with these function bodies, of types 0, 1, 2..., an export and a table's elements."""
    parts = [
        Section(FUNCTION, vector([number(i) for i in range(len(bodies))])),
        Section(EXPORT, vector([name("run") + b"\x00" + number(export), name("memory") + b"\x02\x01"])),
        Section(ELEMENT, vector([b"\x00\x41\x01\x0b" + vector([number(index) for index in elements])])),
        Section(CODE, vector([number(len(body)) + body for body in bodies])),
    ]
    if names:
        listed = vector([number(i) + name(text) for i, text in enumerate(names)])
        parts.append(samples.custom("name", b"\x01" + number(len(listed)) + listed + b"\x02\x01\x00"))
    return encode(CORE, parts)


def part(data, id):
    return next(part.body for part in sections(data, "test", CORE) if part.id == id)


def bodies(data):
    reader = Reader(part(data, CODE), "test")
    return reader.each(reader.bytes)


# A long function, one that has nothing in common with it, and one that has nearly all; the first calls the others.
LONG = b"\x00" + bytes(range(0x45, 0x85))
ODD = b"\x00" + bytes(range(0xA0, 0xC4)) + b"\x0b"
LIKE = LONG + b"\x1a\x0b"
FIRST = LONG + b"\x10\x01\x10\x02\x0b"


class Arrange(unittest.TestCase):
    def test_what_is_alike_stands_together_and_keeps_its_number_everywhere(self):
        arranged = arrange(module(FIRST, ODD, LIKE, export=2, elements=[1, 0, 2], names=["first", "odd", "like"]), "test")
        self.assertEqual(bodies(arranged), [LONG + b"\x10\x02\x10\x01\x0b", LIKE, ODD])
        self.assertEqual(part(arranged, FUNCTION), b"\x03\x00\x02\x01")
        # The memory's number is none of a function.
        self.assertEqual(part(arranged, EXPORT), vector([name("run") + b"\x00\x01", name("memory") + b"\x02\x01"]))
        self.assertEqual(part(arranged, ELEMENT), b"\x01\x00\x41\x01\x0b\x03\x02\x00\x01")
        names = vector([b"\x00" + name("first"), b"\x01" + name("like"), b"\x02" + name("odd")])
        self.assertEqual(part(arranged, CUSTOM), name("name") + b"\x01" + number(len(names)) + names)

    def test_short_numbers_stay_short(self):
        called = [b"\x00" + b"\x01" * 20 + b"\x10" + number(128 + i % 2) + b"\x0b" for i in range(128)]
        before = module(*called, LONG + b"\x0b", LONG + b"\x1a\x0b")
        after = arrange(before, "test")
        self.assertEqual(len(after), len(before))
        self.assertEqual(sorted(bodies(after)[128:]), sorted([LONG + b"\x0b", LONG + b"\x1a\x0b"]))

    def test_imports_keep_their_numbers(self):
        before = samples.core(imports=[("host", "a"), ("host", "b")], functions=["_RNvCs1_3app1a", "_RNvCs1_3app1b"])
        self.assertEqual(len(arrange(before, "test")), len(before))

    def test_alignments_go_and_operands_stay(self):
        # i32.load align=2 offset=300, memory.copy, br_table, call_indirect, i64.const, select, ref.null, f64.const.
        operands = b"\xfc\x0a\x00\x00\x0e\x02\x00\x01\x00\x11\x10\x00\x42\x90\x7f\x1c\x01\x7f\xd0\x70\x44" + b"\x10" * 8
        body = b"\x01\x02\x7f" + b"\x28\x02\xac\x02" + operands + b"\x0b"
        self.assertEqual(bodies(arrange(module(body), "test")), [body.replace(b"\x28\x02", b"\x28\x00")])

    def test_what_it_does_not_know_is_refused(self):
        for broken, message in [
            (module(b"\x00\xfd\x0b"), "unknown instruction 0xfd"),
            (module(b"\x00\xfc\x08\x0b"), "unknown instruction 0xfc"),
            (module(b"\x00\x41"), "0 left"),
            (encode(CORE, [*sections(module(LONG), "test", CORE), Section(ELEMENT, b"\x01\x01\x00\x00")]), "not for table 0"),
        ]:
            with self.assertRaisesRegex(Malformed, message):
                arrange(broken, "test")

    def test_a_module_without_code_stays(self):
        self.assertEqual(function_order.arrange(CORE, "test"), CORE)


if __name__ == "__main__":
    unittest.main()
