"""Small components, written byte by byte, for the tests of scripts/ to work on."""

import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SCRIPTS))

import wasm_binary
from wasm_binary import COMPONENT, CORE, Section, encode, number


def name(text):
    return number(len(text.encode())) + text.encode()


def vector(items):
    return number(len(items)) + b"".join(items)


def custom(title, body=b"\x00" * 20):
    return Section(wasm_binary.CUSTOM, name(title) + body)


def core(pages=2, export="run", imports=(("host", "call"),), functions=("_RNvCs1_3app3run",), names=True):
    """A core module: imported functions, functions that do nothing, a memory, a data segment, names."""
    kind = b"\x60\x00\x00"
    parts = [
        Section(wasm_binary.TYPE, vector([kind])),
        Section(wasm_binary.IMPORT, vector([name(module) + name(field) + b"\x00\x00" for module, field in imports])),
        Section(wasm_binary.FUNCTION, vector([b"\x00"] * len(functions))),
        Section(wasm_binary.MEMORY, vector([b"\x00" + number(pages)])),
        Section(wasm_binary.EXPORT, vector([name(export) + b"\x00" + number(len(imports)), name("memory") + b"\x02\x00"])),
        # No locals; so many `nop`s that no two functions have the same size; end.
        Section(wasm_binary.CODE, vector([number(i + 3) + b"\x00" + b"\x01" * (i + 1) + b"\x0b" for i in range(len(functions))])),
        Section(wasm_binary.DATA, vector([b"\x00\x41\x10\x0b" + name("constant text")])),
    ]
    if names:
        listed = vector([number(len(imports) + i) + name(symbol) for i, symbol in enumerate(functions)])
        segments = vector([number(0) + name(".rodata")])
        body = b"\x01" + number(len(listed)) + listed + b"\x09" + number(len(segments)) + segments
        parts.append(custom("name", body))
    return encode(CORE, parts)


def shim():
    """A core module that is smaller than any other here."""
    return encode(CORE, [custom("producers")])


def wrap(module):
    """A component around a core module: a shim, the module, a nested component, custom sections."""
    nested = encode(COMPONENT, [custom("component-name")])
    parts = [
        Section(wasm_binary.CORE_MODULE, shim()),
        Section(wasm_binary.CORE_MODULE, module),
        Section(wasm_binary.NESTED_COMPONENT, nested),
        custom("producers"),
    ]
    return encode(COMPONENT, parts)
