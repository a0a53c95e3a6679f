"""symbols.py on names that rustc 1.95 emits."""

import unittest

import samples  # noqa: F401  makes scripts/ importable
import symbols


class Read(unittest.TestCase):
    def check(self, symbol, text, owner):
        found = symbols.read(symbol)
        self.assertEqual(found.text, text)
        self.assertEqual("::".join(found.owner()), owner)

    def test_function(self):
        self.check("_RNvMNtCs9pv848UzQwQ_4core3stre16is_char_boundary", "<str>::is_char_boundary", "core::str")

    def test_impl_belongs_to_its_module(self):
        self.check(
            "_RNvMs1_NtNtCs9pv848UzQwQ_4core3fmt8buildersNtB5_11DebugStruct9is_pretty",
            "<core::fmt::builders::DebugStruct>::is_pretty",
            "core::fmt::builders",
        )
        self.check(
            "_RNvXs_NtNtCs1_13dewclaw_agent5tools9read_fileNtB4_8ReadFileNtB6_4Tool4step",
            "<dewclaw_agent::tools::read_file::ReadFile as dewclaw_agent::tools::Tool>::step",
            "dewclaw_agent::tools::read_file",
        )

    def test_a_standard_function_for_a_type_belongs_to_the_type(self):
        self.check(
            "_RINvNtCs9pv848UzQwQ_4core3ptr13drop_in_placeNtNtCs1_13dewclaw_agent5agent5AgentEB14_",
            "core::ptr::drop_in_place<dewclaw_agent::agent::Agent>",
            "dewclaw_agent::agent",
        )

    def test_types(self):
        self.check("_RINvCs1_3app1fRShQTmyEPeE", "app::f<&[u8], &mut (u32, u64), *const str>", "app")
        self.check("_RINvCs1_3app1fAhj20_FUKCiEuE", "app::f<[u8; 32], fn(isize)>", "app")
        self.check("_RINvCs1_3app1fDNtNtCs1_4core3any3AnyEL_Kj3_E", "app::f<dyn core::any::Any, 3>", "app")

    def test_closure(self):
        self.check("_RNCNvCs1_3app3run0B3_", "app::run::{closure}", "app")

    def test_what_wasm_opt_adds(self):
        self.check("byn-split-outlined-A$_RNvCs1_3app3run", "app::run", "app")
        self.check("_RNvCs1_3app3run_2", "app::run", "app")

    def test_other_names_stay(self):
        for name in ["memcpy", "cabi_realloc", "wasi:cli/run@0.2.0#run", ""]:
            self.check(name, name, "")

    def test_broken_symbols_never_fail(self):
        symbol = "_RINvNtCs9pv848UzQwQ_4core3ptr13drop_in_placeNtNtCs1_13dewclaw_agent5agent5AgentEB14_"
        for cut in range(len(symbol)):
            symbols.read(symbol[:cut])
        for broken in ["_RB_", "_RNvB0_1a", "_RNvC999999999999a", "_RINvC1a1bKj!_E", "_R" + "S" * 5000, "_RN" * 3000]:
            symbols.read(broken)


if __name__ == "__main__":
    unittest.main()
