"""nested_names.py: what a nested component imports has a short name, and is found by it."""

import unittest

import samples
from nested_names import COMPONENT_IMPORT, INSTANCE, shorten
from samples import name, vector
from wasm_binary import COMPONENT, NESTED_COMPONENT, Malformed, Section, encode, sections


def imported(text, described):
    return b"\x00" + name(text) + described


def component(imports, *instances):
    nested = encode(COMPONENT, [Section(COMPONENT_IMPORT, vector(imports)), Section(11, vector([name("import-func-run")]))])
    own = Section(COMPONENT_IMPORT, vector([imported("import-func-run", b"\x01\x00")]))
    return encode(COMPONENT, [own, Section(NESTED_COMPONENT, nested), Section(INSTANCE, vector(instances))])


class Shorten(unittest.TestCase):
    def test_what_is_handed_over_is_what_is_imported(self):
        resource, equal, function = b"\x03\x01", b"\x03\x00\x05", b"\x01\x07"
        items = [("import-type-session", b"\x03\x04"), ("import-func-run", b"\x01\x3a"), ("import-type-usage", b"\x03\x06")]
        # Of nested component 0; and made of an item, by a name that others see.
        instances = [
            b"\x00\x00" + vector([name(text) + item for text, item in items]),
            b"\x01" + vector([b"\x00" + name("import-func-run") + b"\x01\x02"]),
        ]
        kinds = [resource, function, equal]
        before = component([imported(text, kind) for (text, _), kind in zip(items, kinds)], *instances)
        own, nested, made = sections(shorten(before, "test"), "test", COMPONENT)
        self.assertEqual(own, sections(before, "test", COMPONENT)[0])
        inner, exported = sections(nested.body, "test", COMPONENT)
        self.assertEqual(inner.body, vector([imported(text, kind) for text, kind in zip("abc", kinds)]))
        self.assertEqual(exported.body, vector([name("import-func-run")]))
        handed = b"\x00\x00" + vector([name(text) + item for text, (_, item) in zip("abc", items)])
        self.assertEqual(made.body, vector([handed, instances[1]]))

    def test_names_stay_different(self):
        imports = [imported(f"import-type-{i}", b"\x03\x01") for i in range(1_000)]
        nested = sections(shorten(component(imports), "test"), "test", COMPONENT)[1]
        inner = sections(nested.body, "test", COMPONENT)[0]
        names = {part[1 : 1 + part[0]] for part in inner.body.split(b"\x03\x01\x00")[1:-1]}
        self.assertEqual(len(names), 998)
        self.assertTrue(all(text[:1].isalpha() and text.isalnum() and text.islower() for text in names))

    def test_without_nested_components_nothing_changes(self):
        for data in [encode(COMPONENT, []), samples.wrap(samples.core())]:
            self.assertEqual(shorten(data, "test"), data)

    def test_unknown_forms_are_refused(self):
        for data, message in [
            (component([b"\x09" + name("a") + b"\x01\x00"]), "name of unknown form 9"),
            (component([imported("a", b"\x09")]), "import of unknown kind 9"),
            (component([], b"\x05"), "instance of unknown kind 5"),
        ]:
            with self.assertRaisesRegex(Malformed, message):
                shorten(data, "test")


if __name__ == "__main__":
    unittest.main()
