"""Says what an artifact's bytes are spent on: each crate, each module of ours, each tool and wire.

Code is put down to the function that it stands in after optimising. What was inlined counts where it went,
and a function that several callers share counts once, where it was written: the ledger is a map, not a bill.
"""

import subprocess
from collections import defaultdict
from dataclasses import dataclass

import wasm_binary
import symbols

# Crates of this workspace are shown by module, and in these modules by the modules below.
OURS = "dewclaw"
SPLIT = {"tools": "tool", "wire": "wire", "wires": "wire"}
# The guest's exports, and what was inlined into them: all commands of the component, for one.
EXPORTS = ("dewclaw_wasm", "exports")

SECTION_NAMES = {
    1: "types", 2: "imports", 3: "functions", 4: "tables", 5: "memory", 6: "globals", 7: "exports", 8: "start",
    9: "elements", 12: "data count",
}  # fmt: skip


@dataclass
class Row:
    """So many bytes of one kind. `level` is 1 for a part of the row above at level 0, and so on."""

    kind: str
    name: str
    bytes: int
    level: int = 0


def gzip_size(path):
    """Bytes of a file as `gzip -9` packs it."""
    return len(subprocess.run(["gzip", "-9", "-n", "-c", str(path)], check=True, capture_output=True).stdout)


def functions(module, what):
    """(name, bytes) of each function with a body, and the names of the data segments by index."""
    imported, names, segments, sizes = 0, {}, {}, []
    for part in wasm_binary.sections(module, what, wasm_binary.CORE):
        reader = wasm_binary.Reader(part.body, f"{what}, section {part.id}")
        if part.id == wasm_binary.CODE:
            for _ in range(reader.number()):
                before = reader.at
                reader.bytes()
                sizes.append(reader.at - before)
        elif part.id == wasm_binary.CUSTOM and reader.name() == "name":
            while not reader.done():
                kind, body = reader.byte(), wasm_binary.Reader(reader.bytes(), f"{what}, names")
                into = {1: names, 9: segments}.get(kind)
                if into is not None:
                    into.update(body.each(lambda: (body.number(), body.name())))
    imported = sum(kind == "function" for kind, _ in wasm_binary.interface(module, what).imports.values())
    return [(names.get(imported + i, "?"), size) for i, size in enumerate(sizes)], segments


def data_segments(body, what):
    """The bytes of each data segment, with what the format puts around it."""
    reader, found = wasm_binary.Reader(body, what), []
    for _ in range(reader.number()):
        before = reader.at
        flags = reader.number()
        if flags == 2:
            reader.number()
        if flags != 1:
            # The offset: a constant expression of one instruction.
            if reader.byte() not in (0x41, 0x23):
                reader.fail("offset of a data segment that is not a constant")
            reader.skip_number()
            if reader.byte() != 0x0B:
                reader.fail("offset of a data segment that does not end")
        reader.bytes()
        found.append(reader.at - before)
    return found


def owner(name):
    """The module that function `name` is put down to, crate first; empty for C and the linker's own."""
    # The component model's name for an export of an interface; the names that the core module exports.
    return EXPORTS if "#" in name or name.startswith(("dc_", "_start")) else symbols.read(name).owner()


def module_row(module):
    """The kind and name of the row that a module of our own crates counts in, below its crate."""
    if len(module) > 2 and module[1] in SPLIT:
        return SPLIT[module[1]], "::".join(module[1:3])
    return "module", module[1] if len(module) > 1 else "(root)"


def code_rows(named, what):
    """Rows for the code: each crate, and below each crate of ours its modules."""
    found, _ = functions(named, what)
    crates, modules = defaultdict(int), defaultdict(lambda: defaultdict(int))
    for name, size in found:
        module = owner(name)
        crate = module[0] if module else "C library and linker"
        if crate in symbols.STANDARD:
            crate = "Rust's standard library"
        crates[crate] += size
        if crate.startswith(OURS):
            modules[crate][module_row(module)] += size
    rows = []
    for crate, size in sorted(crates.items(), key=lambda item: -item[1]):
        rows.append(Row("crate", crate, size, 1))
        for (kind, name), part in sorted(modules[crate].items(), key=lambda item: -item[1]):
            rows.append(Row(kind, name, part, 2))
    return rows


def of(artifact, named, what):
    """The rows for `artifact`'s bytes; `named` is its optimised core module with the names still in it.

    The rows of level 0 add up to the artifact.
    """
    if artifact[:8] == wasm_binary.CORE:
        around, core = [], artifact
    else:
        parts = wasm_binary.sections(artifact, what, wasm_binary.COMPONENT)
        main = wasm_binary.main_module(parts, what)
        core = parts[main].body
        shims = sum(len(p.encode()) for i, p in enumerate(parts) if p.id == wasm_binary.CORE_MODULE and i != main)
        rest = len(artifact) - shims - len(core)
        around = [Row("shell", "component: types, imports, exports", rest), Row("shell", "component: shim modules", shims)]
    _, segments = functions(named, f"{what}, with names")
    bodies = {}
    for which, module in [("shipped", core), ("named", named)]:
        bodies[which] = [p.body for p in wasm_binary.sections(module, what, wasm_binary.CORE) if p.id == wasm_binary.CODE]
    if bodies["shipped"] != bodies["named"]:
        raise wasm_binary.Malformed(f"{what}: the module kept for the ledger is of another build: run scripts/build-wasm")
    rows, small = [], []
    for part in wasm_binary.sections(core, what, wasm_binary.CORE):
        size = len(part.encode())
        if part.id == wasm_binary.CODE:
            inner = code_rows(named, what)
            framing = size - sum(row.bytes for row in inner if row.level == 1)
            rows.append(Row("section", "code", size))
            rows += [*inner, Row("crate", "(framing)", framing, 1)]
        elif part.id == wasm_binary.DATA:
            rows.append(Row("section", "data: constants and text", size))
            # wasm-opt cuts a segment where it has a run of zeros, and numbers the pieces.
            pieces = defaultdict(int)
            for index, length in enumerate(data_segments(part.body, what)):
                pieces[".".join(segments.get(index, "segment").split(".")[:2])] += length
            rows += [Row("segment", name, length, 1) for name, length in pieces.items()]
            rows.append(Row("segment", "(framing)", size - sum(pieces.values()), 1))
        else:
            small.append(Row("section", SECTION_NAMES.get(part.id, f"section {part.id}"), size))
    small = [Row("section", "core: " + row.name, row.bytes) for row in sorted(small, key=lambda row: -row.bytes)]
    rows += [*small, Row("section", "core: preamble", 8), *around]
    total = sum(row.bytes for row in rows if row.level == 0)
    if total != len(artifact):
        raise wasm_binary.Malformed(f"{what}: the ledger adds up to {total:,} of {len(artifact):,} bytes")
    return rows


def largest(named, what, count):
    """(bytes, readable name) of the `count` largest functions."""
    found, _ = functions(named, what)
    return [(size, symbols.read(name).text) for name, size in sorted(found, key=lambda item: -item[1])[:count]]
