"""Takes a WebAssembly component apart and puts it together again.

wasm-opt reads core modules, not components. So scripts/build-wasm takes the largest core module out of
the component, lets wasm-opt work on that, and puts it back in its place:

    component.py extract COMPONENT CORE       write the component's largest core module to CORE
    component.py splice COMPONENT CORE OUT    write COMPONENT to OUT with CORE as its largest core module

`splice` refuses a module that no longer fits the component around it, and drops every custom section:
names, producers and the like have no meaning to a runtime, and each costs bytes.

Both kinds of file are a preamble of eight bytes and then sections: an id, a length, so many bytes.
"""

import sys
from dataclasses import dataclass

CORE = b"\0asm\x01\x00\x00\x00"
COMPONENT = b"\0asm\x0d\x00\x01\x00"

# Section ids of a core module and of a component. 0 is a custom section in both.
CUSTOM = 0
TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, CODE, DATA = 1, 2, 3, 4, 5, 6, 7, 10, 11
CORE_MODULE, NESTED_COMPONENT = 1, 4

KINDS = ["function", "table", "memory", "global", "tag"]


class Malformed(Exception):
    """The bytes are not what they must be; the message says where and what was expected."""


class Reader:
    """Reads the binary format's few primitives from bytes, and says where when they run out."""

    def __init__(self, data, what):
        self.data, self.what, self.at = data, what, 0

    def fail(self, message):
        raise Malformed(f"{self.what}: {message} at byte {self.at} of {len(self.data)}")

    def done(self):
        return self.at >= len(self.data)

    def take(self, count):
        if count > len(self.data) - self.at:
            self.fail(f"{count} bytes expected, {len(self.data) - self.at} left")
        self.at += count
        return self.data[self.at - count : self.at]

    def byte(self):
        return self.take(1)[0]

    def number(self, bits=32):
        """An unsigned LEB128 number."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if value >> bits or shift >= bits and byte & 0x80:
                self.fail(f"number of more than {bits} bits")
            if not byte & 0x80:
                return value

    def skip_number(self):
        """Any LEB128 number, signed ones too, whose value is not asked for."""
        while self.byte() & 0x80:
            pass

    def bytes(self):
        return self.take(self.number())

    def name(self):
        try:
            return self.bytes().decode()
        except UnicodeDecodeError as error:
            self.fail(f"name that is not UTF-8 ({error.reason})")

    def each(self, read):
        """A vector: a count, then so many of what `read` reads."""
        return [read() for _ in range(self.number())]


def number(value):
    """`value` as unsigned LEB128, in as few bytes as can be."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


@dataclass
class Section:
    """One section; `body` is what follows its id and length."""

    id: int
    body: bytes

    def encode(self):
        return bytes([self.id]) + number(len(self.body)) + self.body

    def custom_name(self):
        return Reader(self.body, "custom section").name()


def sections(data, what, preamble):
    """The sections of a core module or component, in order."""
    if data[:8] != preamble:
        kind = "component" if preamble == COMPONENT else "core module"
        raise Malformed(f"{what}: not a WebAssembly {kind}, it begins with {data[:8].hex(' ') or 'nothing'}")
    reader = Reader(data, what)
    reader.take(8)
    found = []
    while not reader.done():
        found.append(Section(reader.byte(), reader.bytes()))
    return found


def encode(preamble, parts):
    return preamble + b"".join(part.encode() for part in parts)


def main_module(parts, what):
    """The index in `parts` of the component's largest core module: the program, beside its shims."""
    modules = [i for i, part in enumerate(parts) if part.id == CORE_MODULE]
    if not modules:
        raise Malformed(f"{what}: holds no core module")
    return max(modules, key=lambda i: len(parts[i].body))


def strip(data, what):
    """Core module or component `data` without custom sections, and (name, bytes saved) of each dropped.

    Goes into nested modules and components too.
    """
    preamble = COMPONENT if data[:8] == COMPONENT else CORE
    kept, dropped = [], []
    for part in sections(data, what, preamble):
        if part.id == CUSTOM:
            dropped.append((part.custom_name(), len(part.encode())))
            continue
        if preamble == COMPONENT and part.id in (CORE_MODULE, NESTED_COMPONENT):
            body, inner = strip(part.body, what)
            part = Section(part.id, body)
            dropped += inner
        kept.append(part)
    return encode(preamble, kept), dropped


@dataclass
class Interface:
    """What a core module takes from and offers to what is around it, each with its type as raw bytes."""

    imports: dict
    exports: dict
    start_pages: int


def interface(module, what):
    """Reads the interface of a core module."""
    types, imports, exports = [], {}, {}
    # The types of each index space: imported ones first, then the module's own.
    spaces = {kind: [] for kind in KINDS}
    pages = 0

    def limits(reader):
        flags = reader.byte()
        least = reader.number(64)
        if flags & 1:
            reader.number(64)
        return least

    def raw(reader, read):
        before = reader.at
        read()
        return reader.data[before : reader.at]

    def reference(reader):
        if reader.byte() in (0x63, 0x64):
            reader.skip_number()

    def function_type(reader):
        if reader.byte() != 0x60:
            reader.fail("type that is not a function's")
        for _ in range(2):
            reader.each(lambda: reference(reader))

    def described(reader, kind):
        nonlocal pages
        if kind == "function":
            index = reader.number()
            return types[index] if index < len(types) else reader.fail(f"type {index} of {len(types)}")
        if kind == "table":
            return raw(reader, lambda: (reference(reader), limits(reader)))
        if kind == "memory":
            before = reader.at
            pages = limits(reader)
            return reader.data[before : reader.at]
        if kind == "global":
            return raw(reader, lambda: (reference(reader), reader.byte()))
        return reader.fail(f"{kind}s are not expected here")

    def kind_of(reader):
        kind = reader.byte()
        return KINDS[kind] if kind < len(KINDS) else reader.fail(f"unknown kind {kind}")

    for part in sections(module, what, CORE):
        reader = Reader(part.body, f"{what}, section {part.id}")
        if part.id == TYPE:
            types = reader.each(lambda: raw(reader, lambda: function_type(reader)))
        elif part.id == IMPORT:
            for _ in range(reader.number()):
                name = (reader.name(), reader.name())
                kind = kind_of(reader)
                imports[name] = (kind, described(reader, kind))
                spaces[kind].append(imports[name][1])
        elif part.id == FUNCTION:
            spaces["function"] += reader.each(lambda: described(reader, "function"))
        elif part.id == MEMORY:
            # The pages are compared on their own: optimising may not change them either.
            spaces["memory"] += reader.each(lambda: described(reader, "memory"))
        elif part.id == EXPORT:
            for _ in range(reader.number()):
                name, kind, index = reader.name(), kind_of(reader), reader.number()
                space = spaces[kind]
                # Tables and globals of the module's own are not read; their kind is what counts.
                exports[name] = (kind, space[index] if index < len(space) else b"")
    return Interface(imports, exports, pages)


def check_fit(before, after):
    """Refuses an optimised module that takes or offers something else than it did."""
    for what, old, new in [("exports", before.exports, after.exports), ("imports", before.imports, after.imports)]:
        for name, kind in new.items():
            if name not in old:
                raise Malformed(f"the optimised module {what} {name}, which the original did not")
            if old[name] != kind:
                raise Malformed(f"the optimised module {what} {name} with another type than the original")
    # An import that nothing uses any more may go: the component hands it over, and nobody takes it.
    for name in before.exports:
        if name not in after.exports:
            raise Malformed(f"the optimised module no longer exports {name}")
    if before.start_pages != after.start_pages:
        raise Malformed(f"the optimised module starts with {after.start_pages} pages, not {before.start_pages}")


def extract(component, what):
    """The largest core module of `component`."""
    parts = sections(component, what, COMPONENT)
    return parts[main_module(parts, what)].body


def splice(component, core, what):
    """`component` with `core` as its largest core module and without custom sections; and what was dropped."""
    parts = sections(component, what, COMPONENT)
    main = main_module(parts, what)
    check_fit(interface(parts[main].body, what), interface(core, "the optimised module"))
    parts[main] = Section(CORE_MODULE, core)
    return strip(encode(COMPONENT, parts), what)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def main(arguments):
    match arguments:
        case ["extract", component, core]:
            write(core, extract(read(component), component))
        case ["splice", component, core, out]:
            data, dropped = splice(read(component), read(core), component)
            write(out, data)
            sizes = {}
            for name, size in dropped:
                sizes[name] = sizes.get(name, 0) + size
            listed = ", ".join(f"{name} {size:,}" for name, size in sorted(sizes.items()))
            print(f"dropped custom sections: {listed or 'none'}")
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Malformed, OSError) as error:
        sys.exit(f"component.py: {error}")
