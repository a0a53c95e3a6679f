"""What stands in a function's code: the instructions of the MVP, and of the features that scripts/build-wasm allows."""

LOCALS = range(0x20, 0x23)
CALL, FUNCTION_REFERENCE = 0x10, 0xD2
MEMORY = range(0x28, 0x3F)

# The others by what follows them.
_TABLE_OF_LABELS, _TYPED_SELECT, _PREFIX = 0x0E, 0x1C, 0xFC
_ONE_NUMBER = {0x02, 0x03, 0x04, 0x0C, 0x0D, *range(0x23, 0x27), 0x41, 0x42, 0xD0}
_BYTES = {0x3F: 1, 0x40: 1, 0x43: 4, 0x44: 8}
_NOTHING = {0x00, 0x01, 0x05, 0x0B, 0x0F, 0x1A, 0x1B, 0xD1, *range(0x45, 0xC5)}
# After the prefix: conversions that saturate; memory.copy and memory.fill.
_PREFIXED = {**dict.fromkeys(range(8), 0), 10: 2, 11: 1}


def declared(reader):
    """The groups of locals that a body begins with, each (how many, their type's bytes)."""
    return reader.each(lambda: (reader.number(), reader.raw(reader.value_type)))


def skip_operands(reader, opcode):
    """Passes over what follows an opcode."""
    if opcode in LOCALS or opcode in (CALL, FUNCTION_REFERENCE) or opcode in _ONE_NUMBER:
        reader.skip_number()
    elif opcode in MEMORY or opcode == 0x11:
        reader.skip_number()
        reader.skip_number()
    elif opcode in _BYTES:
        reader.take(_BYTES[opcode])
    elif opcode == _TABLE_OF_LABELS:
        reader.each(reader.skip_number)
        reader.skip_number()
    elif opcode == _TYPED_SELECT:
        reader.each(reader.value_type)
    elif opcode == _PREFIX and (prefixed := reader.number()) in _PREFIXED:
        reader.take(_PREFIXED[prefixed])
    elif opcode not in _NOTHING:
        reader.fail(f"unknown instruction {opcode:#x}")
