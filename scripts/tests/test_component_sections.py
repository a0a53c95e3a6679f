"""component_sections.py: what wires a component becomes fewer sections, and means the same."""

import unittest

import samples
from component_sections import ALIAS, CANONICAL, CORE_INSTANCE, merge
from samples import name, vector
from wasm_binary import COMPONENT, CORE_MODULE, Malformed, Section, encode, sections

IMPORT = 10


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


def component(*parts):
    imported = Section(IMPORT, b"\x00")
    module = Section(CORE_MODULE, samples.core(names=False))
    return encode(COMPONENT, [imported, module, *(Section(id, vector(items)) for id, items in parts)])


def wiring(data):
    return [(part.id, part.body) for part in sections(data, "test", COMPONENT)[2:]]


class Merge(unittest.TestCase):
    def test_what_refers_to_an_item_finds_it_at_its_new_number(self):
        before = component(
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
            # What is exported: core function 5.
            (7, []),
            (ALIAS, [core_alias(0, 2, "run")]),
            (CANONICAL, [lift(5, 9, realloc(3))]),
        )
        after = wiring(merge(before, "test"))
        self.assertEqual(
            after,
            [
                (ALIAS, vector([alias(7, "write"), alias(7, "read")])),
                # Now core functions 0 and 1.
                (CANONICAL, vector([lower(0), drop(4)])),
                (CORE_INSTANCE, vector([instantiate(1)])),
                (ALIAS, vector([core_alias(0, 0, "0")])),
                (CORE_INSTANCE, vector([made_of(("late", 2), ("write", 0), ("drop", 1)), instantiate(0, ("host", 1))])),
                (ALIAS, vector([core_alias(2, 2, "memory"), core_alias(0, 2, "cabi_realloc")])),
                (CANONICAL, vector([lower(1, memory(0), realloc(3))])),
                (CORE_INSTANCE, vector([made_of(("0", 4)), instantiate(2, ("", 3))])),
                (7, vector([])),
                (ALIAS, vector([core_alias(0, 2, "run")])),
                (CANONICAL, vector([lift(5, 9, realloc(3))])),
            ],
        )
        self.assertEqual(wiring(merge(merge(before, "test"), "test")), after)

    def test_what_stands_before_the_wiring_keeps_its_number(self):
        """A resource's type names a core function of the shim; the wiring of the program comes behind it."""
        resource = b"\x3f\x7f\x01\x00"
        before = [
            (CORE_INSTANCE, [instantiate(0)]),
            # Core function 0.
            (ALIAS, [core_alias(0, 0, "0")]),
            (7, [resource]),
        ]
        wired = [
            (CANONICAL, [lower(0)]),
            (CORE_INSTANCE, [made_of(("write", 1))]),
            (ALIAS, [alias(7, "read")]),
            (CANONICAL, [lower(1)]),
            (CORE_INSTANCE, [made_of(("drop", 0), ("read", 2))]),
        ]
        self.assertEqual(
            wiring(merge(component(*before, *wired), "test")),
            [
                *((id, vector(items)) for id, items in before),
                (ALIAS, vector([alias(7, "read")])),
                (CANONICAL, vector([lower(0), lower(1)])),
                (CORE_INSTANCE, vector([made_of(("write", 1)), made_of(("drop", 0), ("read", 2))])),
            ],
        )

    def test_what_is_exported_is_gathered_by_kind(self):
        kinds = [b"\x6a\x00\x00", b"\x40\x00\x01\x00"]
        wired = [(CORE_INSTANCE, [instantiate(0)]), (ALIAS, [alias(7, "a")]), (ALIAS, [alias(7, "b")]), (CANONICAL, [drop(0)])]
        exported = [
            (7, [kinds[0]]),
            (ALIAS, [core_alias(0, 0, "run")]),
            (CANONICAL, [lift(1, 9)]),
            (7, [kinds[1]]),
            (ALIAS, [core_alias(0, 0, "ask")]),
            (CANONICAL, [lift(2, 10, realloc(1))]),
            (11, [b""]),
            # Not of the core: it defines a type, and stays among them.
            (7, [kinds[0]]),
            (ALIAS, [b"\x03\x00\x09" + name("session")]),
            (7, [kinds[1]]),
        ]
        self.assertEqual(
            wiring(merge(component(*wired, *exported), "test"))[3:],
            [
                (7, vector(kinds)),
                (ALIAS, vector([core_alias(0, 0, "run"), core_alias(0, 0, "ask")])),
                (CANONICAL, vector([lift(1, 9), lift(2, 10, realloc(1))])),
                *((id, vector(items)) for id, items in exported[6:]),
            ],
        )

    def test_an_alias_of_what_is_around_stays(self):
        outer = b"\x03\x02\x01\x00"
        data = component((CORE_INSTANCE, [instantiate(0)]), (ALIAS, [outer]), (ALIAS, [alias(1, "a")]))
        self.assertEqual(wiring(merge(data, "test"))[0], (ALIAS, vector([outer, alias(1, "a")])))

    def test_without_wiring_nothing_changes(self):
        for data in [samples.wrap(samples.core()), component((ALIAS, [alias(1, "a")]))]:
            self.assertEqual(merge(data, "test"), data)

    def test_what_it_does_not_know_or_find_is_refused(self):
        instance = (CORE_INSTANCE, [instantiate(0)])
        for part, message in [
            ((CANONICAL, [b"\x09\x00"]), "canonical function of unknown kind 9"),
            ((CANONICAL, [lower(0, b"\x07\x00")]), "unknown option 7"),
            ((CORE_INSTANCE, [b"\x02"]), "core instance of unknown kind 2"),
            ((ALIAS, [core_alias(0, 5, "a")]), "refers to what there is none of"),
        ]:
            with self.assertRaisesRegex(Malformed, message):
                merge(component(instance, part), "test")


if __name__ == "__main__":
    unittest.main()
