"""Reads and writes the binary format of WebAssembly core modules and components, as far as scripts/ asks of it.

Both kinds of file are a preamble of eight bytes and then sections: an id, a length, so many bytes.
"""

from dataclasses import dataclass

CORE = b"\0asm\x01\x00\x00\x00"
COMPONENT = b"\0asm\x0d\x00\x01\x00"

# Section ids of a core module and of a component. 0 is a custom section in both.
CUSTOM = 0
TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, ELEMENT, CODE, DATA = 1, 2, 3, 4, 5, 6, 7, 9, 10, 11
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

    def raw(self, read):
        """The bytes of what `read` reads."""
        before = self.at
        read()
        return self.data[before : self.at]

    def kind(self):
        """What an import or export is."""
        kind = self.byte()
        return KINDS[kind] if kind < len(KINDS) else self.fail(f"unknown kind {kind}")

    def limits(self):
        """The least and perhaps the most of a table or memory; returns the least."""
        flags, least = self.byte(), self.number(64)
        if flags & 1:
            self.number(64)
        return least

    def value_type(self):
        if self.byte() in (0x63, 0x64):
            self.skip_number()

    def function_type(self):
        """A function's type; returns how many parameters it has."""
        if self.byte() != 0x60:
            self.fail("type that is not a function's")
        parameters = self.each(self.value_type)
        self.each(self.value_type)
        return len(parameters)

    def described(self, kind):
        """The type of an import: of a function its index, of others the type itself."""
        match kind:
            case "function":
                self.number()
            case "table":
                self.value_type()
                self.limits()
            case "memory":
                self.limits()
            case "global":
                self.value_type()
                self.byte()
            case _:
                self.fail(f"{kind}s are not expected here")


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


def extract(component, what):
    """The largest core module of `component`."""
    parts = sections(component, what, COMPONENT)
    return parts[main_module(parts, what)].body


@dataclass
class Interface:
    """What a core module takes from and offers to what is around it, each with its type as raw bytes."""

    imports: dict
    exports: dict
    start_pages: int


def interface(module, what):
    """Reads the interface of a core module."""
    imports, exports = {}, {}
    # The types of each index space: imported ones first, then the module's own. Tables and globals of the
    # module's own are not read: that an export of that kind stays is all that is compared.
    types, functions, memories, pages = [], [], [], 0

    def function(reader):
        index = reader.number()
        return types[index] if index < len(types) else reader.fail(f"type {index} of {len(types)}")

    for part in sections(module, what, CORE):
        reader = Reader(part.body, f"{what}, section {part.id}")
        if part.id == TYPE:
            types = reader.each(lambda: reader.raw(reader.function_type))
        elif part.id == IMPORT:
            for _ in range(reader.number()):
                name, kind = (reader.name(), reader.name()), reader.kind()
                is_function = kind == "function"
                described = function(reader) if is_function else reader.raw(lambda: reader.described(kind))
                imports[name] = (kind, described)
                if is_function:
                    functions.append(described)
                elif kind == "memory":
                    memories.append(described)
        elif part.id == FUNCTION:
            functions += reader.each(lambda: function(reader))
        elif part.id == MEMORY:
            memories += reader.each(lambda: reader.raw(reader.limits))
        elif part.id == EXPORT:
            for _ in range(reader.number()):
                name, kind, index = reader.name(), reader.kind(), reader.number()
                space = {"function": functions, "memory": memories}.get(kind, [])
                if index >= len(space) and kind in ("function", "memory"):
                    reader.fail(f"{kind} {index} of {len(space)}")
                exports[name] = (kind, space[index] if space else b"")
    if memories:
        pages = Reader(memories[0], what).limits()
    return Interface(imports, exports, pages)
