"""core_names.py: names become short, and what belonged together still does."""

import unittest

import samples
from core_names import shorten
from wasm_binary import COMPONENT, Malformed, Section, encode, extract, interface, sections


def name(text):
    return bytes([len(text)]) + text.encode()


def component(*instances_and_aliases):
    module = Section(1, samples.core(imports=(("a long interface", "first"), ("a long interface", "second")), names=False))
    return encode(COMPONENT, [module, *instances_and_aliases])


class Shorten(unittest.TestCase):
    def setUp(self):
        # Instance 0: made of two functions. Instance 1: of the module, which imports from instance 0.
        self.made = b"\x02\x01\x02" + name("first") + b"\x00\x04" + name("second") + b"\x00\x05"
        self.made += b"\x00\x00\x01" + name("a long interface") + b"\x12\x00"
        # The core function `run` of instance 1; the component type `first` of instance 9; an outer type.
        self.aliases = b"\x03" + b"\x00\x00\x01\x01" + name("run") + b"\x03\x00\x09" + name("first") + b"\x03\x02\x01\x00"
        self.component = component(Section(2, self.made), Section(6, self.aliases))

    def test_the_same_name_is_the_same_everywhere(self):
        short = shorten(self.component, "test")
        self.assertLess(len(short), len(self.component))
        found = interface(extract(short, "test"), "test")
        (module, first), (same, second) = found.imports
        run = next(export for export, (kind, _) in found.exports.items() if kind == "function")
        self.assertEqual(module, same)
        self.assertEqual(len({module, first, second, run, *found.exports}), 5)
        _, made, aliases = sections(short, "test", COMPONENT)
        expected = self.made.replace(name("first"), name(first)).replace(name("second"), name(second))
        self.assertEqual(made.body, expected.replace(name("a long interface"), name(module)))
        # The name of a component's item is not a core name, even if it reads the same.
        self.assertEqual(aliases.body, self.aliases.replace(name("run"), name(run)))

    def test_what_is_frequent_is_shortest(self):
        fields = [f"function {i}" for i in range(80)]
        module = samples.core(imports=[("host", field) for field in fields], names=False)
        found = interface(extract(shorten(encode(COMPONENT, [Section(1, module)]), "test"), "test"), "test")
        self.assertEqual({module for module, _ in found.imports}, {"a"})
        self.assertEqual(len(found.imports), 80)

    def test_unknown_forms_are_refused(self):
        for section, message in [
            (Section(2, b"\x01\x07"), "core instance of unknown kind 7"),
            (Section(6, b"\x01\x03\x07\x00"), "alias of unknown kind 7"),
            (Section(6, b"\x01\x03"), "1 bytes expected, 0 left"),
        ]:
            with self.assertRaisesRegex(Malformed, message):
                shorten(component(section), "test")


if __name__ == "__main__":
    unittest.main()
