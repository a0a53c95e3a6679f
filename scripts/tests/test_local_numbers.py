"""local_numbers.py: locals are numbered as where the code is the same but for them, and are the same locals."""

import unittest
import zlib

from local_numbers import arrange
from samples import vector
from wasm_binary import CODE, CORE, FUNCTION, TYPE, Malformed, Reader, Section, encode, number, sections

I32, I64 = b"\x7f", b"\x7e"
# Two locals after one parameter.
TWO = b"\x01\x02" + I32


def module(*bodies):
    """A core module with these function bodies, each of a function with one parameter."""
    parts = [
        Section(TYPE, vector([b"\x60\x01" + I32 + b"\x00"])),
        Section(FUNCTION, vector([b"\x00"] * len(bodies))),
        Section(CODE, vector([number(len(body)) + body for body in bodies])),
    ]
    return encode(CORE, parts)


def bodies(data):
    reader = Reader(next(part.body for part in sections(data, "test", CORE) if part.id == CODE), "test")
    return reader.each(reader.bytes)


def code(*locals):
    """Code that uses locals by turns, with other instructions between them."""
    return b"".join(bytes([0x20, local, 0x45 + at, 0x21, local, 0x60 + at]) for at, local in enumerate(locals)) + b"\x0b"


class Arrange(unittest.TestCase):
    def test_code_that_is_the_same_but_for_locals_becomes_the_same(self):
        turns = [1, 2, 2, 1, 0, 1, 2, 1, 1, 2] * 3
        one, other = TWO + code(*turns), TWO + code(*({0: 0, 1: 2, 2: 1}[local] for local in turns))
        first, second = bodies(arrange(module(one, other), "test"))
        self.assertEqual(first, second)
        self.assertIn(first, (one, other))

    def test_parameters_and_locals_of_other_types_keep_their_numbers(self):
        mixed = b"\x02\x01" + I32 + b"\x01" + I64
        before = module(mixed + code(0, 1, 2, 0, 0, 1, 2, 2), mixed + code(1, 0, 2, 1, 1, 0, 2, 2), mixed + code(2, 1, 0))
        self.assertEqual(arrange(before, "test"), before)

    def test_each_local_stays_one_and_the_code_gets_no_longer(self):
        head = b"\x01" + number(140) + I32
        one = head + b"".join(b"\x20" + number(local) + b"\x1a" for local in range(141)) + b"\x0b"
        other = head + b"".join(b"\x20" + number(140 - local) + b"\x1a" for local in range(141)) + b"\x0b"
        before = module(one, other)
        after = arrange(before, "test")
        self.assertLess(len(zlib.compress(after, 9)), len(zlib.compress(before, 9)))
        self.assertEqual(len(after), len(before))
        for was, now in zip(bodies(before), bodies(after)):
            numbers = dict(zip(self.locals(was), self.locals(now), strict=True))
            self.assertEqual(len(set(numbers.values())), len(numbers))
            self.assertEqual(numbers[0], 0)
            self.assertEqual([number for number in numbers if (number < 128) != (numbers[number] < 128)], [])

    def locals(self, body):
        reader, found = Reader(body, "test"), []
        reader.take(4)
        while reader.byte() == 0x20:
            found.append(reader.number())
            reader.byte()
        return found

    def test_it_comes_out_the_same_each_time(self):
        before = module(*(TWO + code(*(1 + (at * at + seed) % 2 for at in range(12))) for seed in range(9)))
        self.assertEqual(arrange(before, "test"), arrange(before, "test"))

    def test_what_it_does_not_know_is_refused(self):
        with self.assertRaisesRegex(Malformed, "code of function 1: unknown instruction 0xfd"):
            arrange(module(TWO + code(1), b"\x00\xfd\x0b"), "test")
        with self.assertRaisesRegex(Malformed, "left"):
            arrange(module(b"\x00\x20"), "test")

    def test_a_module_without_code_stays(self):
        self.assertEqual(arrange(CORE, "test"), CORE)


if __name__ == "__main__":
    unittest.main()
