"""component_sections.py: a component becomes fewer sections, types and letters, and means the same."""

import unittest

import samples
from component_items import ALIAS, CANONICAL, CORE_INSTANCE, EXPORT, IMPORT, INSTANCE, NESTED_COMPONENT, TYPE
from component_sections import arrange
from samples import name, vector
from wasm_binary import COMPONENT, CORE_MODULE, Malformed, Section, encode, sections


def instantiate(module, *arguments):
    """A core instance of a module, with (name, instance) to import from."""
    return b"\x00" + bytes([module]) + vector([name(text) + b"\x12" + bytes([at]) for text, at in arguments])


def made_of(*functions):
    return b"\x01" + vector([name(text) + b"\x00" + bytes([at]) for text, at in functions])


def alias(instance, text):
    """A component function of an instance of the host."""
    return b"\x01\x00" + bytes([instance]) + name(text)


def core_alias(space, instance, text):
    return b"\x00" + bytes([space]) + b"\x01" + bytes([instance]) + name(text)


def lower(function, *options):
    return b"\x01\x00" + bytes([function]) + vector(options)


def memory(at):
    return b"\x03" + bytes([at])


def realloc(at):
    return b"\x04" + bytes([at])


def lift(function, kind, *options):
    return b"\x00\x00" + bytes([function]) + vector(options) + bytes([kind])


def drop(kind):
    return b"\x03" + bytes([kind])


def export(text, sort, at):
    return b"\0" + name(text) + bytes([sort, at, 0])


def own_import(text, *described):
    return b"\0" + name(text) + bytes(described)


# Types that differ: 0 to 8 are lists of primitive types, 9 is of an instance that has nothing.
TYPES = [bytes([0x70, 0x7F - at]) for at in range(9)] + [b"\x42\0"]
# Eight instances of the host.
INSTANCES = [own_import(f"host{at}", 5, 9) for at in range(8)]


def component(*parts, modules=1):
    """A component with the types and imports of above, three core modules at most, and these sections."""
    core = [Section(CORE_MODULE, samples.core(names=False))] * modules
    return encode(COMPONENT, [*(Section(id, vector(items)) for id, items in [(TYPE, TYPES), (IMPORT, INSTANCES)]), *core, *parts])


def wired(*parts, modules=3):
    return component(*(Section(id, vector(items)) for id, items in parts), modules=modules)


def wiring(data):
    """The sections after the core modules, the types and the imports."""
    kept = [part for part in sections(data, "test", COMPONENT) if part.id != CORE_MODULE]
    return [(part.id, part.body) for part in kept[2:]]


class Arrange(unittest.TestCase):
    def test_what_refers_to_an_item_finds_it_at_its_new_number(self):
        before = wired(
            (CORE_INSTANCE, [instantiate(1)]),
            # Core function 0, of the shim; core functions 1 and 2, which need nothing.
            (ALIAS, [core_alias(0, 0, "0")]),
            (ALIAS, [alias(7, "write")]),
            (CANONICAL, [lower(0)]),
            (CANONICAL, [drop(4)]),
            (CORE_INSTANCE, [made_of(("late", 0), ("write", 1), ("drop", 2))]),
            (CORE_INSTANCE, [instantiate(0, ("host", 1))]),
            # Of the program; core function 3 is its cabi_realloc, core function 4 needs that and the memory.
            (ALIAS, [core_alias(2, 2, "memory")]),
            (ALIAS, [alias(7, "read")]),
            (ALIAS, [core_alias(0, 2, "cabi_realloc")]),
            (CANONICAL, [lower(1, memory(0), realloc(3))]),
            (CORE_INSTANCE, [made_of(("0", 4))]),
            (CORE_INSTANCE, [instantiate(2, ("", 3))]),
            # What is exported: core function 5. The type is the one of above, and 11 a function's.
            (TYPE, [TYPES[3], b"\x40" + vector([name("text") + b"\x0a"]) + b"\x01\0"]),
            (ALIAS, [core_alias(0, 2, "run")]),
            (CANONICAL, [lift(5, 11, realloc(3))]),
            (EXPORT, [export("run", 1, 2)]),
        )
        after = wiring(arrange(before, "test"))
        self.assertEqual(
            after,
            [
                (ALIAS, vector([alias(7, "write"), alias(7, "read")])),
                # Now core functions 0 and 1.
                (CANONICAL, vector([lower(0), drop(4)])),
                (CORE_INSTANCE, vector([instantiate(1)])),
                (ALIAS, vector([core_alias(0, 0, "0")])),
                (CORE_INSTANCE, vector([made_of(("late", 2), ("write", 0), ("drop", 1)), instantiate(0, ("host", 1))])),
                (
                    ALIAS,
                    vector([core_alias(2, 2, "memory"), core_alias(0, 2, "cabi_realloc"), core_alias(0, 2, "run")]),
                ),
                (CANONICAL, vector([lower(1, memory(0), realloc(3)), lift(4, 10, realloc(3))])),
                (CORE_INSTANCE, vector([made_of(("0", 5)), instantiate(2, ("", 3))])),
                (EXPORT, vector([export("run", 1, 2)])),
            ],
        )
        types = sections(arrange(before, "test"), "test", COMPONENT)[3]
        self.assertEqual(types.body, vector([*TYPES, b"\x40" + vector([name("text") + b"\x03"]) + b"\x01\0"]))
        self.assertEqual(arrange(arrange(before, "test"), "test"), arrange(before, "test"))

    def test_core_modules_come_first_so_that_names_are_near_each_other(self):
        data = sections(arrange(wired(), "test"), "test", COMPONENT)
        self.assertEqual([part.id for part in data], [CORE_MODULE] * 3 + [TYPE, IMPORT])

    def test_an_alias_of_what_is_around_stays(self):
        outer = b"\x03\x02\x01\x00"
        data = wired((CORE_INSTANCE, [instantiate(0)]), (ALIAS, [outer]), (ALIAS, [alias(1, "a")]))
        self.assertEqual(wiring(arrange(data, "test"))[0], (ALIAS, vector([outer, alias(1, "a")])))

    def test_the_type_of_an_instance_finds_the_types_around_it(self):
        # Type 10 is as 0, so that what takes 12 from around itself has 11 to take.
        record = b"\x72" + vector([name("field") + b"\x0a"])
        around = b"\x42" + vector([b"\x02\x03\x02\x01\x0b", b"\x04" + own_import("kept", 3, 0, 0)])
        data = sections(arrange(wired((TYPE, [TYPES[0], record, around])), "test"), "test", COMPONENT)[3]
        record = b"\x72" + vector([name("field") + b"\x00"])
        around = b"\x42" + vector([b"\x02\x03\x02\x01\x0a", b"\x04" + own_import("kept", 3, 0, 0)])
        self.assertEqual(data.body, vector([*TYPES, record, around]))

    def test_a_number_of_a_type_is_written_with_a_sign(self):
        # 64 enums make the record's field number 74: in one byte it would be a negative number, a primitive type.
        enums = [b"\x6d" + vector([name(f"case{at}")]) for at in range(65)]
        record = b"\x72" + vector([name("field") + b"\xca\x00"])
        data = sections(arrange(wired((TYPE, [*enums, record])), "test"), "test", COMPONENT)[3]
        self.assertEqual(data.body, vector([*TYPES, *enums, record]))

    def test_what_a_nested_component_imports_has_short_names(self):
        enum, function = b"\x6d" + vector([name("case")]), b"\x40\x00\x00\x00"
        kind, run = export("kind", 3, 3), export("run", 1, 0)

        def nested(*parts):
            return Section(NESTED_COMPONENT, encode(COMPONENT, [Section(id, vector(items)) for id, items in parts]))

        def arguments(one, other):
            return Section(INSTANCE, vector([b"\0\0" + vector([name(one) + b"\x03\x0a", name(other) + b"\x01\x00"])]))

        before = nested(
            (TYPE, [enum]),
            (IMPORT, [own_import("import-type-kind", 3, 0, 0)]),
            (TYPE, [function]),
            (IMPORT, [own_import("import-func-run", 1, 2)]),
            (TYPE, [enum]),
            (EXPORT, [kind, run]),
        )
        lifted = [
            (CORE_INSTANCE, [instantiate(0)]),
            (ALIAS, [core_alias(0, 0, "run")]),
            (TYPE, [enum, b"\x40\x00\x00\x0a"]),
            (CANONICAL, [lift(0, 11)]),
        ]
        around = [Section(id, vector(items)) for id, items in lifted]
        arranged = arrange(component(*around, before, arguments("import-type-kind", "import-func-run")), "test")
        found = {part.id: part.body for part in sections(arranged, "test", COMPONENT)}
        self.assertEqual(found[INSTANCE], arguments("a", "b").body)
        # What is exported keeps its name. Type 0 is imported as 2 and exported.
        after = nested(
            (TYPE, [enum, function]),
            (IMPORT, [own_import("a", 3, 0, 0), own_import("b", 1, 1)]),
            (EXPORT, [export("kind", 3, 0), run]),
        )
        self.assertEqual(found[NESTED_COMPONENT], after.body)

    def test_two_exported_types_stay_two(self):
        enum = b"\x6d" + vector([name("case")])
        parts = [(TYPE, [enum, enum, enum]), (EXPORT, [export("one", 3, 0), export("other", 3, 1)])]
        inner = encode(COMPONENT, [Section(id, vector(items)) for id, items in parts])
        arranged = arrange(component(Section(NESTED_COMPONENT, inner)), "test")
        nested = sections(arranged, "test", COMPONENT)[-1].body
        parts[0] = (TYPE, [enum, enum])
        self.assertEqual(nested, encode(COMPONENT, [Section(id, vector(items)) for id, items in parts]))

    def test_what_it_does_not_know_or_find_is_refused(self):
        instance = (CORE_INSTANCE, [instantiate(0)])
        for part, message in [
            ((CANONICAL, [b"\x09\x00"]), "canonical function of unknown kind 9"),
            ((CANONICAL, [lower(0, b"\x07\x00")]), "unknown option 7"),
            ((CORE_INSTANCE, [b"\x02"]), "core instance of unknown kind 2"),
            ((INSTANCE, [b"\x02"]), "instance of unknown kind 2"),
            ((TYPE, [b"\x41\0"]), "type of unknown kind 0x41"),
            ((TYPE, [b"\x42\x01\x07"]), "declaration of an unknown kind"),
            ((12, []), "section of an unknown kind"),
            ((ALIAS, [core_alias(0, 5, "a")]), "refers to what there is none of"),
        ]:
            with self.assertRaisesRegex(Malformed, message):
                arrange(wired(instance, part), "test")


if __name__ == "__main__":
    unittest.main()
