"""Gives a component as few sections as can be where it wires its core modules together.

wit-component writes a section for nearly each alias, core instance and canonical function, in dewclaw.wasm 182 of them.
But all that is asked of one is that it comes after what it refers to. So they are sorted into runs of one kind, and
the numbers of core functions and the like follow. That is 486 bytes of 234,689, gzipped 243 of 110,712.

Behind that come, for each function that is exported, its types, its core function and what lifts it, in sections of their
own. Those are gathered by kind too, which changes no number: 135 bytes, gzipped 50.
"""

from dataclasses import dataclass

from wasm_binary import COMPONENT, CORE_MODULE, Malformed, Reader, Section, encode, number, sections

CORE_INSTANCE, ALIAS, TYPES, CANONICAL = 2, 6, 7, 8
WIRING = (ALIAS, CANONICAL, CORE_INSTANCE)
# The index spaces that are numbered anew, by the byte that names one. All else that aliases define comes from the
# host's instances, and keeps its order.
FUNCTION, MEMORY, INSTANCE = 0x00, 0x02, 0x12


@dataclass
class Item:
    """An alias, core instance or canonical function."""

    section: int
    # Its bytes, and between them the (space, number) of each core item that it refers to.
    pieces: list
    # The space of the core item that it defines, if it does.
    defines: int | None

    def waits(self, renumbered):
        return any(isinstance(piece, tuple) and piece not in renumbered for piece in self.pieces)

    def encode(self, renumbered):
        return b"".join(number(renumbered.get(piece, piece[1])) if isinstance(piece, tuple) else piece for piece in self.pieces)


def merge(component, what):
    """`component` with the sections of its wiring merged, and of what lifts its functions behind that."""
    parts = sections(component, what, COMPONENT)
    begin, end = _longest_run(parts)
    renumbered, counts, waiting = {}, {}, []
    # Before the run stand a few items for the types of resources, which name core functions. They keep their places.
    for at, part in enumerate(parts[:end]):
        for item in _items(part, what) if part.id in WIRING else ():
            place = item.defines, counts.get(item.defines, 0)
            counts[item.defines] = place[1] + 1
            if at < begin:
                renumbered[place] = place[1]
            else:
                waiting.append((place, item))
    counts = {}
    for space, _ in renumbered:
        counts[space] = counts.get(space, 0) + 1
    merged = []
    while waiting:
        before = len(waiting)
        for kind in WIRING:
            run, left = [], []
            for place, item in waiting:
                if item.section != kind or item.waits(renumbered):
                    left.append((place, item))
                    continue
                renumbered[place] = counts.get(item.defines, 0)
                counts[item.defines] = renumbered[place] + 1
                run.append(item)
            if run:
                merged.append(_section(kind, run, renumbered))
            waiting = left
        if len(waiting) == before:
            raise Malformed(f"{what}: an item of section {waiting[0][1].section} refers to what there is none of")
    rest = (_section(part.id, _items(part, what), renumbered) if part.id in WIRING else part for part in parts[end:])
    return encode(COMPONENT, [*parts[:begin], *merged, *_gathered(rest, what)])


def _longest_run(parts):
    """Where the longest run of wiring begins and ends."""
    ends = [at for at, part in enumerate(parts) if part.id not in WIRING]
    return max(((one + 1, next) for one, next in zip([-1, *ends], [*ends, len(parts)])), key=lambda run: run[1] - run[0])


def _gathered(parts, what):
    """The sections, those of a run of types, aliases of core items and lifts gathered by kind.

    Types refer to types, aliases to core instances, lifts to both: so the order of each kind is kept, and its numbers.
    (The type of a resource may name a core function, but those stand before all that is lifted.)
    """
    run = {}

    def flush():
        for kind in (TYPES, ALIAS, CANONICAL):
            if bodies := run.pop(kind, None):
                readers = [Reader(body, what) for body in bodies]
                count = sum(reader.number() for reader in readers)
                yield Section(kind, number(count) + b"".join(reader.data[reader.at :] for reader in readers))

    for part in parts:
        if part.id == TYPES or part.id in WIRING and all(_stays(item) for item in _items(part, what)):
            run.setdefault(part.id, []).append(part.body)
        else:
            yield from flush()
            yield part
    yield from flush()


def _stays(item):
    """Whether an item is an alias of a core item, or lifts a core function."""
    begins = item.pieces[0]
    return item.section == ALIAS and begins[0] == 0 and begins[2] == 1 or item.section == CANONICAL and begins[0] == 0


def _section(kind, items, renumbered):
    return Section(kind, number(len(items)) + b"".join(item.encode(renumbered) for item in items))


def _items(part, what):
    reader = Reader(part.body, f"{what}, section {part.id}")
    read = {CORE_INSTANCE: _core_instance, ALIAS: _alias, CANONICAL: _canonical}[part.id]
    return reader.each(lambda: Item(part.id, *read(reader)))


def _core_instance(reader):
    made_of = reader.byte()
    if made_of > 1:
        reader.fail(f"core instance of unknown kind {made_of}")
    pieces = [bytes([made_of]) + (b"" if made_of else reader.raw(reader.number))]
    count = reader.number()
    pieces.append(number(count))
    for _ in range(count):
        pieces.append(reader.raw(reader.name))
        space = reader.byte()
        pieces += [bytes([space]), (space, reader.number())]
    return pieces, INSTANCE


def _alias(reader):
    sort = reader.byte()
    core = reader.byte() if sort == 0 else None
    target = reader.byte()
    before = bytes([sort, *([] if core is None else [core]), target])
    if target == 1:
        return [before, (INSTANCE, reader.number()), reader.raw(reader.name)], core
    # Of a component's instance, or of a component around this one.
    return [before + reader.raw(lambda: (reader.number(), reader.number() if target == 2 else reader.name()))], core


def _canonical(reader):
    match reader.byte():
        case 0:
            pieces, defines = [b"\0" + reader.raw(reader.byte), (FUNCTION, reader.number())], None
        case 1:
            pieces, defines = [b"\1" + reader.raw(lambda: (reader.byte(), reader.number()))], FUNCTION
        case 2 | 3 | 4 as kind:
            return [bytes([kind]) + reader.raw(reader.number)], FUNCTION
        case kind:
            return reader.fail(f"canonical function of unknown kind {kind}")
    count = reader.number()
    pieces.append(number(count))
    for _ in range(count):
        option = reader.byte()
        pieces.append(bytes([option]))
        if option > 2:
            space = {3: MEMORY, 4: FUNCTION, 5: FUNCTION}.get(option)
            pieces.append(reader.fail(f"unknown option {option}") if space is None else (space, reader.number()))
    if defines is None:
        pieces.append(reader.raw(reader.number))
    return pieces, defines
