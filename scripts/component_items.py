"""Reads a component's sections as items: what each defines, and what it refers to by number.

A component numbers what it imports, defines and aliases in an index space for each sort of it. An item knows the
numbers in it from its other bytes, so items can be put in another order, or left out, and written with other numbers.
"""

from dataclasses import dataclass

from wasm_binary import Reader, Section, number

# Section ids.
CORE_MODULE, CORE_INSTANCE, NESTED_COMPONENT, INSTANCE, ALIAS, TYPE, CANONICAL, IMPORT, EXPORT = 1, 2, 4, 5, 6, 7, 8, 10, 11
# Index spaces: core ones by the byte that names them, the others by theirs plus 256.
CORE_FUNCTION, CORE_MEMORY, CORE_MODULES, CORE_INSTANCES = 0x00, 0x02, 0x11, 0x12
FUNCTIONS, TYPES, COMPONENTS, INSTANCES = 0x101, 0x103, 0x104, 0x105


@dataclass(frozen=True)
class Reference:
    """The number of an item."""

    space: int
    number: int
    # Types stand among negative numbers that mean primitive ones.
    signed: bool = False

    def encode(self, value):
        # The sign is the second highest bit of the last byte.
        return number(value)[:-1] + bytes([number(value)[-1] | 0x80, 0]) if self.signed and number(value)[-1] & 0x40 else number(value)


class Name(str):
    """What is imported or exported is called so, or handed to an import of this name."""

    def encode(self):
        return number(len(str.encode(self))) + str.encode(self)


@dataclass
class Item:
    """One entry of a section; a nested component."""

    section: int
    # Its bytes, and between them its references and names.
    pieces: list
    # The space of what it defines, if it does.
    defines: int | None

    def references(self):
        return [piece for piece in self.pieces if isinstance(piece, Reference)]

    def encode(self, renumbered):
        """Its bytes, with `renumbered` for the numbers of references."""
        out = bytearray()
        for piece in self.pieces:
            match piece:
                case Reference():
                    out += piece.encode(renumbered(piece))
                case Name():
                    out += piece.encode()
                case _:
                    out += piece
        return bytes(out)


def items(part, what):
    """The items of a section."""
    if part.id in (NESTED_COMPONENT, CORE_MODULE):
        return [Item(part.id, [part.body], COMPONENTS if part.id == NESTED_COMPONENT else CORE_MODULES)]
    reader = Reader(part.body, f"{what}, section {part.id}")
    if part.id not in READERS:
        reader.fail("section of an unknown kind")
    return reader.each(lambda: Item(part.id, *READERS[part.id](reader)))


def section(kind, listed, renumbered):
    """A section of these items."""
    body = b"".join(item.encode(renumbered) for item in listed)
    return Section(kind, body if kind in (NESTED_COMPONENT, CORE_MODULE) else number(len(listed)) + body)


def _sort(reader):
    sort = reader.byte()
    return reader.byte() if sort == 0 else sort + 0x100


def _sort_bytes(space):
    return bytes([space - 0x100]) if space >= 0x100 else bytes([0, space])


def _sorted(reader):
    """The sort and the number of an item."""
    space = _sort(reader)
    return [_sort_bytes(space), Reference(space, reader.number())]


def _vector(reader, read):
    """The pieces of a vector whose elements `read` reads as pieces."""
    count = reader.number()
    pieces = [number(count)]
    for _ in range(count):
        pieces += read()
    return pieces


def _core_instance(reader):
    made_of = reader.byte()
    if made_of > 1:
        reader.fail(f"core instance of unknown kind {made_of}")
    pieces = [bytes([made_of])] + ([] if made_of else [Reference(CORE_MODULES, reader.number())])

    def named():
        name, space = reader.raw(reader.name), reader.byte()
        return [name + bytes([space]), Reference(space, reader.number())]

    return pieces + _vector(reader, named), CORE_INSTANCES


def _instance(reader):
    made_of = reader.byte()
    if made_of > 1:
        reader.fail(f"instance of unknown kind {made_of}")
    pieces = [bytes([made_of])] + ([] if made_of else [Reference(COMPONENTS, reader.number())])

    def named():
        # What is exported has a byte before its name.
        return [*(_named(reader) if made_of else [Name(reader.name())]), *_sorted(reader)]

    return pieces + _vector(reader, named), INSTANCES


def _alias(reader):
    space = _sort(reader)
    target = reader.byte()
    before = _sort_bytes(space) + bytes([target])
    match target:
        case 0:
            return [before, Reference(INSTANCES, reader.number()), reader.raw(reader.name)], space
        case 1:
            return [before, Reference(CORE_INSTANCES, reader.number()), reader.raw(reader.name)], space
        case 2:
            # Of a component around this one.
            return [before + reader.raw(lambda: (reader.number(), reader.number()))], space
    return reader.fail(f"alias of unknown kind {target}")


def _value_type(reader):
    if 0x40 <= reader.data[reader.at] < 0x80:
        return [bytes([reader.byte()])]
    return [Reference(TYPES, reader.number(), signed=True)]


def _type(reader):
    kind = reader.byte()

    def optional():
        return [b"\0"] if reader.byte() == 0 else [b"\1", *_value_type(reader)]

    def labelled():
        return [reader.raw(reader.name), *_value_type(reader)]

    def case():
        pieces = [reader.raw(reader.name), *optional()]
        return [*pieces, bytes([reader.byte()])]

    match kind:
        case 0x3F:
            representation = bytes([reader.byte()])
            destructor = [b"\0"] if reader.byte() == 0 else [b"\1", Reference(CORE_FUNCTION, reader.number())]
            pieces = [representation, *destructor]
        case 0x40:
            pieces = _vector(reader, labelled)
            result = reader.byte()
            pieces += [bytes([result]), *(_value_type(reader) if result == 0 else [bytes([reader.byte()])])]
        case 0x72:
            pieces = _vector(reader, labelled)
        case 0x71:
            pieces = _vector(reader, case)
        case 0x70 | 0x6B:
            pieces = _value_type(reader)
        case 0x6F:
            pieces = _vector(reader, lambda: _value_type(reader))
        case 0x6E | 0x6D:
            pieces = _vector(reader, lambda: [reader.raw(reader.name)])
        case 0x6A:
            pieces = [*optional(), *optional()]
        case 0x69 | 0x68:
            pieces = [Reference(TYPES, reader.number())]
        case 0x42:
            pieces = _vector(reader, lambda: _declaration(reader))
        case _ if 0x73 <= kind < 0x80:
            pieces = []
        case _:
            return reader.fail(f"type of unknown kind {kind:#x}")
    return [bytes([kind]), *pieces], TYPES


def _declaration(reader):
    """A part of the type of an instance. It counts its own types; only what it takes from around itself counts here."""
    kind = reader.byte()
    match kind:
        case 1:
            return [bytes([kind]) + reader.raw(lambda: _type(reader))]
        case 2:
            sort = reader.raw(lambda: _sort(reader))
            match reader.byte():
                case 0:
                    return [bytes([kind]) + sort + b"\0" + reader.raw(lambda: (reader.number(), reader.name()))]
                case 2 if reader.byte() == 1 and sort == b"\3":
                    return [bytes([kind]) + sort + b"\2\1", Reference(TYPES, reader.number())]
        case 4:
            return [bytes([kind]) + reader.raw(lambda: (_named(reader), _described(reader)))]
    return reader.fail("declaration of an unknown kind")


def _canonical(reader):
    match reader.byte():
        case 0:
            pieces, defines = [b"\0" + reader.raw(reader.byte), Reference(CORE_FUNCTION, reader.number())], FUNCTIONS
        case 1:
            pieces, defines = [b"\1" + reader.raw(reader.byte), Reference(FUNCTIONS, reader.number())], CORE_FUNCTION
        case 2 | 3 | 4 as kind:
            return [bytes([kind]), Reference(TYPES, reader.number())], CORE_FUNCTION
        case kind:
            return reader.fail(f"canonical function of unknown kind {kind}")

    def option():
        kind = reader.byte()
        if kind <= 2:
            return [bytes([kind])]
        space = {3: CORE_MEMORY, 4: CORE_FUNCTION, 5: CORE_FUNCTION}.get(kind)
        return reader.fail(f"unknown option {kind}") if space is None else [bytes([kind]), Reference(space, reader.number())]

    pieces += _vector(reader, option)
    if defines == FUNCTIONS:
        pieces.append(Reference(TYPES, reader.number()))
    return pieces, defines


def _described(reader):
    """The type of what is imported, or exported as such; and its space."""
    kind = reader.byte()
    match kind:
        case 0 | 1 | 4 | 5:
            core = bytes([reader.byte()]) if kind == 0 else b""
            space = CORE_MODULES if kind == 0 else kind + 0x100
            return [bytes([kind]) + core, Reference(TYPES, reader.number())], space
        case 3:
            bound = reader.byte()
            return [bytes([kind, bound]), *([Reference(TYPES, reader.number())] if bound == 0 else [])], TYPES
    return reader.fail(f"import of unknown kind {kind}")


def _named(reader):
    return [bytes([reader.byte()]), Name(reader.name())]


def _import(reader):
    name = _named(reader)
    described, space = _described(reader)
    return [*name, *described], space


def _export(reader):
    pieces = [*_named(reader), *_sorted(reader)]
    space = pieces[-1].space
    described = [b"\0"] if reader.byte() == 0 else [b"\1", *_described(reader)[0]]
    return pieces + described, space


READERS = {
    CORE_INSTANCE: _core_instance,
    INSTANCE: _instance,
    ALIAS: _alias,
    TYPE: _type,
    CANONICAL: _canonical,
    IMPORT: _import,
    EXPORT: _export,
}
