"""Writes a core module's functions so that they compress best. It runs as it did, and is as long as it was.

Order: gzip finds a repetition where it is near and long, so each function is followed by the one that has the most in
common with what stands before it. The functions that are called most keep the numbers that take one byte: the order
is chosen among them, then among the others. In dewclaw.wasm that is 2,173 bytes of 110,460 gzipped. What "in common" and
"before" mean best differs from one build to the next by 200 bytes, so several meanings are tried and the best is taken.
Then functions are moved about, one or a few at a time, where that makes it smaller still: 185 bytes of 116,684.

Alignment: a load or store says how its address is aligned, as a hint that wasmtime takes no notice of. Here each says
that it need not be. That is 460 bytes more.
"""

import random
import zlib
from itertools import product

from instructions import CALL, FUNCTION_REFERENCE, MEMORY, declared, skip_operands
from wasm_binary import CODE, CORE, CUSTOM, ELEMENT, EXPORT, FUNCTION, IMPORT, Reader, Section, encode, number, sections

# Function numbers that take one byte.
SHORT = 128
# Functions have as much in common as there are runs of so many bytes in both.
RUNS = (4, 5, 6)
# Bytes before a function that it is compared with.
WINDOWS = (500, 1_500, 3_000)

# How many moves are tried. Each compresses the code once; as many again save half as much.
MOVES = 300


def arrange(module, what):
    """`module` with its functions in the best order, and without alignments."""
    found = {part.id: Reader(part.body, f"{what}, section {part.id}") for part in sections(module, what, CORE)}
    if CODE not in found:
        return module
    bodies = found[CODE].each(found[CODE].bytes)
    imported = found[IMPORT].each(lambda: _imported_kind(found[IMPORT])).count("function") if IMPORT in found else 0
    arranged = (
        _renumbered(module, what, bodies, imported, _order(bodies, max(SHORT - imported, 0), run, window))
        for run, window in product(RUNS, WINDOWS)
    )
    best = min(arranged, key=compressed)
    code = next(part.body for part in sections(best, what, CORE) if part.id == CODE)
    reader = Reader(code, what)
    bodies = reader.each(reader.bytes)
    return min(best, _renumbered(best, what, bodies, imported, _moved(bodies, max(SHORT - imported, 0))), key=compressed)


def compressed(module):
    """Bytes of a module's code as gzip -9 packs it, but for gzip's own head."""
    return len(zlib.compress(b"".join(part.body for part in sections(module, "the module", CORE) if part.id == CODE), 9))


def _renumbered(module, what, bodies, imported, order):
    """`module` with its functions in this order, and without alignments."""
    renumbered = {imported + old: imported + new for new, old in enumerate(order)}

    def function(reader):
        index = reader.number()
        return number(renumbered.get(index, index))

    def changed(part):
        reader = Reader(part.body, f"{what}, section {part.id}")
        if part.id == FUNCTION:
            types = reader.each(lambda: reader.raw(reader.number))
            return _vector(types[old] for old in order)
        if part.id == EXPORT:
            return _vector(reader.each(lambda: _export(reader, function)))
        if part.id == ELEMENT:
            return _vector(reader.each(lambda: _element(reader, function)))
        if part.id == CODE:
            moved = (_body(Reader(bodies[old], f"{what}, function {imported + old}"), function) for old in order)
            return _vector(number(len(body)) + body for body in moved)
        if part.id == CUSTOM and part.custom_name() == "name":
            return _names(reader, function)
        return part.body

    return encode(CORE, [Section(part.id, changed(part)) for part in sections(module, what, CORE)])


def _order(bodies, short, run, window_bytes):
    """The functions' numbers in their new order, the first `short` of them first."""
    runs = [frozenset(body[at : at + run] for at in range(len(body) - run + 1)) for body in bodies]
    holders = {}
    for index, all_held in enumerate(runs):
        for held in all_held:
            holders.setdefault(held, []).append(index)
    # How often the window holds each run, and how many of its runs each function has.
    seen, shared = dict.fromkeys(holders, 0), [0] * len(bodies)

    def count(index, change):
        for held in runs[index]:
            was, seen[held] = seen[held], seen[held] + change
            if not (was and seen[held]):
                for holder in holders[held]:
                    shared[holder] += change

    order, window, length = [], [], 0
    numbers = list(range(len(bodies)))
    for left in (numbers[:short], numbers[short:]):
        while left:
            best = max(left, key=lambda index: shared[index] / (len(runs[index]) + 1))
            left.remove(best)
            order.append(best)
            window.append(best)
            count(best, 1)
            length += len(bodies[best])
            while length > window_bytes and len(window) > 1:
                length -= len(bodies[window[0]])
                count(window.pop(0), -1)
    return order


def _moved(bodies, short):
    """The functions' numbers after moves that each made the code smaller; the first `short` stay among themselves.

    Which are tried is drawn, large functions more often than small ones, and always the same.
    """
    runs = [frozenset(body[at : at + RUNS[1]] for at in range(len(body) - RUNS[1] + 1)) for body in bodies]
    whole = [number(len(body)) + body for body in bodies]
    drawn = random.Random(0)

    def size(order):
        return len(zlib.compress(b"".join(whole[index] for index in order), 9))

    order = list(range(len(bodies)))
    smallest = size(order)
    parts = [(low, high) for low, high in ((0, min(short, len(order))), (short, len(order))) if high - low > 3]
    for _ in range(MOVES if parts else 0):
        low, high = drawn.choices(parts, [high - low for low, high in parts])[0]
        at = drawn.choices(range(low, high), [len(whole[index]) + 60 for index in order[low:high]])[0]
        few = order[at : min(at + drawn.choice((1, 1, 1, 2, 3)), high)]
        left = order[:at] + order[at + len(few) :]
        last = high - len(few)
        # Behind the one of forty that has most in common with it; or anywhere.
        held = runs[few[0]]
        places = drawn.sample(range(low, last), min(40, last - low))
        to = 1 + max(places, key=lambda place: len(held & runs[left[place]]) / (len(runs[left[place]]) + len(held) + 1))
        if drawn.random() < 0.3:
            to = drawn.randrange(low, last + 1)
        moved = left[:to] + few + left[to:]
        if (now := size(moved)) < smallest:
            smallest, order = now, moved
    return order


def _imported_kind(reader):
    reader.name()
    reader.name()
    kind = reader.kind()
    reader.described(kind)
    return kind


def _export(reader, function):
    name, kind = reader.raw(reader.name), reader.byte()
    return name + bytes([kind]) + (function(reader) if kind == 0 else number(reader.number()))


def _element(reader, function):
    """Functions for table 0 from a constant offset: the form that linkers write."""

    def place():
        if (reader.byte(), reader.byte()) != (0, 0x41):
            reader.fail("element segment that is not for table 0 at a constant offset")
        reader.skip_number()
        if reader.byte() != 0x0B:
            reader.fail("offset of an element segment that does not end")

    return reader.raw(place) + _vector(reader.each(lambda: function(reader)))


def _names(reader, function):
    """The name section, its functions' names in the order of their new numbers; names of locals go."""
    out = reader.raw(reader.name)
    while not reader.done():
        kind, body = reader.byte(), reader.bytes()
        if kind == 1:
            inner = Reader(body, reader.what)
            names = inner.each(lambda: (function(inner), inner.raw(inner.name)))
            body = _vector(index + name for index, name in sorted(names, key=lambda pair: Reader(pair[0], "").number()))
        if kind != 2:
            out += bytes([kind]) + number(len(body)) + body
    return out


def _body(reader, function):
    """A function's body with the new numbers."""
    out = bytearray(reader.raw(lambda: declared(reader)))
    while not reader.done():
        opcode = reader.byte()
        out.append(opcode)
        if opcode in (CALL, FUNCTION_REFERENCE):
            out += function(reader)
        elif opcode in MEMORY:
            reader.number()
            out += b"\0" + reader.raw(reader.skip_number)
        else:
            out += reader.raw(lambda: skip_operands(reader, opcode))
    return bytes(out)


def _vector(items):
    items = list(items)
    return number(len(items)) + b"".join(items)
