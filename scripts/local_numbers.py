"""Numbers the locals of a core module's functions so that its code compresses best. It runs as it did, and is as long as it was.

Code that does the same in two functions differs where their locals have other numbers, and gzip no longer finds the repetition.
So each function's locals (of one type, since those are declared together; parameters stay) are numbered as they are where code
before it is the same but for locals: every such place votes for what a local's number should be, and the votes are tried, the
most first. Then two numbers are exchanged here and there. What makes the function smaller, packed behind the code before it,
stays. In dewclaw.wasm that is 2,103 bytes of 119,588 gzipped.
"""

import random
import zlib
from collections import Counter

from function_order import compressed
from instructions import LOCALS, declared, skip_operands
from wasm_binary import CODE, CORE, FUNCTION, TYPE, Reader, Section, encode, number, sections

# Passes over all functions. A third one saves no more.
PASSES = 2
# Votes and exchanges that are tried for each function in each pass; and how often one stays that changes nothing.
VOTES, EXCHANGES, SIDEWAYS = 60, 60, 0.5
# Places are alike where so many locals, one after the other, have the same code between them.
ALIKE = (2, 3, 4)
# What gzip looks back on, and functions that are too short to gain by it: bytes.
WINDOW, SHORT = 32_768, 30
# Numbers that take one byte stay among themselves.
ONE_BYTE = 128


def arrange(module, what):
    """`module` with the locals of its functions numbered anew."""
    parts = sections(module, what, CORE)
    found = {part.id: Reader(part.body, f"{what}, section {part.id}") for part in parts}
    if CODE not in found:
        return module
    parameters = found[TYPE].each(found[TYPE].function_type)
    types = found[FUNCTION].each(found[FUNCTION].number)
    bodies = found[CODE].each(found[CODE].bytes)
    functions = [
        _Function(Reader(body, f"{what}, code of function {at}"), parameters[type])
        for at, (body, type) in enumerate(zip(bodies, types, strict=True))
    ]
    drawn = random.Random(0)
    for _ in range(PASSES):
        before, seen = b"", {}
        for function in functions:
            function.renumber(before[-WINDOW:], seen, drawn)
            before += function.code
            function.remember(seen)
    code = number(len(functions)) + b"".join(function.code for function in functions)
    return min(module, encode(CORE, [Section(part.id, code) if part.id == CODE else part for part in parts]), key=compressed)


class _Function:
    """A function's code in pieces, between which its locals stand."""

    def __init__(self, reader, parameters):
        groups = []
        self.head = reader.raw(lambda: groups.extend(declared(reader)))
        # The locals that may have each other's numbers.
        self.alike, first = [], parameters
        for count, _ in groups:
            for numbers in (range(first, min(first + count, ONE_BYTE)), range(max(first, ONE_BYTE), first + count)):
                if len(numbers) > 1:
                    self.alike.append(numbers)
            first += count
        self.numbers = list(range(first))
        self.pieces, self.locals, begin = [], [], reader.at
        while not reader.done():
            opcode = reader.byte()
            if opcode in LOCALS:
                self.pieces.append(reader.data[begin : reader.at])
                self.locals.append(reader.number())
                begin = reader.at
            else:
                skip_operands(reader, opcode)
        self.last = reader.data[begin:]
        self.code = self._encode(self.numbers)

    def renumber(self, before, seen, drawn):
        """Takes other numbers where that makes the code smaller that stands behind `before`."""
        if not self.alike or len(self.code) < SHORT:
            return
        smallest = _packed(self.code, before)

        def exchange(one, other):
            nonlocal smallest
            numbers = self.numbers.copy()
            numbers[one], numbers[other] = numbers[other], numbers[one]
            code = self._encode(numbers)
            size = _packed(code, before)
            if size < smallest or size == smallest and drawn.random() < SIDEWAYS:
                smallest, self.numbers, self.code = size, numbers, code

        for (local, wanted), _ in self._votes(seen).most_common(VOTES):
            if self.numbers[local] != wanted:
                exchange(local, self.numbers.index(wanted))
        pairs = sum(len(numbers) * (len(numbers) - 1) // 2 for numbers in self.alike)
        for _ in range(min(EXCHANGES, pairs)):
            exchange(*drawn.sample(drawn.choices(self.alike, [len(numbers) for numbers in self.alike])[0], 2))

    def remember(self, seen):
        """Adds the numbers that locals have here to those of code before."""
        for place, locals in self._places():
            seen[place] = [self.numbers[local] for local in locals]

    def _votes(self, seen):
        """How many votes there are for a local to have a number."""
        group = {local: numbers for numbers in self.alike for local in numbers}
        votes = Counter()
        for place, locals in self._places():
            for local, wanted in zip(locals, seen.get(place, ())):
                if wanted in group.get(local, ()):
                    votes[local, wanted] += len(locals)
        return votes

    def _places(self):
        """What stands before and between some locals, with these locals."""
        for count in ALIKE:
            for at in range(len(self.locals) - count + 1):
                yield tuple(self.pieces[at : at + count]), self.locals[at : at + count]

    def _encode(self, numbers):
        code = bytearray(self.head)
        for piece, local in zip(self.pieces, self.locals):
            code += piece
            code += number(numbers[local])
        code += self.last
        return number(len(code)) + bytes(code)


def _packed(code, before):
    """Bytes of `code` as deflate packs it behind `before`."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_DEFAULT_STRATEGY, before)
    return len(packer.compress(code) + packer.flush())
