"""Reads Rust's v0 symbol names: which module a function belongs to, and a readable name for it.

The grammar is in the rustc book, "v0 Symbol Format". A readable name leaves out what a size ledger does not
ask for: hashes, lifetimes, the values of const arguments, the kinds of pointers.
"""

from dataclasses import dataclass, field

# The crates that come with the toolchain.
STANDARD = {"core", "alloc", "std", "compiler_builtins", "__rustc"}

BASIC_TYPES = {
    "a": "i8", "b": "bool", "c": "char", "d": "f64", "e": "str", "f": "f32", "h": "u8", "i": "isize", "j": "usize",
    "l": "i32", "m": "u32", "n": "i128", "o": "u128", "s": "i16", "t": "u16", "u": "()", "v": "...", "x": "i64",
    "y": "u64", "z": "!", "p": "_",
}  # fmt: skip
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass
class Symbol:
    """A function's name, readable, and the module of every path in it, in the order of the symbol."""

    text: str
    modules: list = field(default_factory=list)

    def owner(self):
        """The module that the function's bytes are put down to, crate first; empty if it is not Rust's.

        That is the first one outside the standard library: the module that an `impl` stands in, or for
        `drop_in_place::<Agent>` and the like, where the type comes from.
        """
        named = [module for module in self.modules if module[0] not in STANDARD]
        return (named or self.modules or [()])[0]


class _End(Exception):
    """The symbol is over or not of the grammar; what was read until then stands."""


def read(symbol):
    """Any symbol; one that is not of the v0 form keeps its own name and has no path.

    wasm-opt puts prefixes before names and suffixes behind them for functions that it makes of others.
    """
    start = symbol.find("_R")
    if start < 0:
        return Symbol(symbol)
    parser = _Parser(symbol[start + 2 :])
    try:
        text = parser.path()
    except _End:
        return Symbol(symbol, parser.modules)
    return Symbol(text, parser.modules)


class _Parser:
    def __init__(self, text):
        self.text, self.at, self.modules, self.depth = text, 0, [], 0

    def next(self):
        if self.at >= len(self.text):
            raise _End
        self.at += 1
        return self.text[self.at - 1]

    def accept(self, char):
        if self.text[self.at : self.at + 1] == char:
            self.at += 1
            return True
        return False

    def base62(self):
        value = 0
        if self.accept("_"):
            return 0
        while (char := self.next()) != "_":
            if char not in DIGITS:
                raise _End
            value = value * 62 + DIGITS.index(char)
        return value + 1

    def optional(self, tag):
        if self.accept(tag):
            self.base62()

    def back_reference(self, read):
        # Back references only point backwards, so a loop of them is not of the grammar.
        here = self.at - 1
        there = self.base62()
        if there >= here or self.depth > 100:
            raise _End
        after, self.at, self.depth = self.at, there, self.depth + 1
        result = read()
        self.at, self.depth = after, self.depth - 1
        return result

    def identifier(self):
        self.optional("s")
        return self.plain_identifier()

    def plain_identifier(self):
        self.accept("u")
        digits = ""
        while self.text[self.at : self.at + 1].isdigit() and digits != "0":
            digits += self.next()
        if not digits:
            raise _End
        self.accept("_")
        self.at += int(digits)
        if self.at > len(self.text):
            raise _End
        return self.text[self.at - int(digits) : self.at]

    def path(self, of_impl=False):
        """A path as text. Its module is kept; the path of an `impl` is a module as it stands."""
        names = self.names()
        if not isinstance(names, tuple):
            return names
        # Functions, closures and the like are not modules, nor is what lies in them, nor is an item itself.
        inner = [i for i, (space, _) in enumerate(names) if space not in "Ct"]
        end = inner[0] if inner else len(names) if of_impl else max(1, len(names) - 1)
        self.modules.append(tuple(name for _, name in names[:end]))
        return "::".join(name for _, name in names)

    def names(self):
        """A plain path as a tuple of (namespace, name); any other as text."""
        match self.next():
            case "C":
                return (("C", self.identifier()),)
            case "N":
                space = self.next()
                before = self.names()
                name = self.identifier()
                if space.isupper():
                    name = "{" + ("closure" if space == "C" else "shim") + (f":{name}" if name else "") + "}"
                    space = "v"
                if isinstance(before, tuple):
                    return (*before, (space, name))
                return f"{before}::{name}"
            case "M":
                self.optional("s")
                self.path(of_impl=True)
                return f"<{self.type()}>"
            case "X":
                self.optional("s")
                self.path(of_impl=True)
                return f"<{self.type()} as {self.path()}>"
            case "Y":
                return f"<{self.type()} as {self.path()}>"
            case "I":
                path = self.path()
                return f"{path}<{', '.join(filter(None, self.until_end(self.argument)))}>"
            case "B":
                return self.back_reference(self.names)
        raise _End

    def until_end(self, read):
        found = []
        while not self.accept("E"):
            found.append(read())
        return found

    def argument(self):
        if self.accept("L"):
            self.base62()
            return ""
        if self.accept("K"):
            return self.constant()
        return self.type()

    def type(self):
        tag = self.next()
        if tag in BASIC_TYPES:
            return BASIC_TYPES[tag]
        match tag:
            case "A":
                element = self.type()
                return f"[{element}; {self.constant()}]"
            case "S":
                return f"[{self.type()}]"
            case "T":
                return f"({', '.join(self.until_end(self.type))})"
            case "R" | "Q":
                self.optional("L")
                return ("&" if tag == "R" else "&mut ") + self.type()
            case "P" | "O":
                return ("*const " if tag == "P" else "*mut ") + self.type()
            case "F":
                self.optional("G")
                self.accept("U")
                if self.accept("K") and not self.accept("C"):
                    self.plain_identifier()
                arguments = ", ".join(self.until_end(self.type))
                result = self.type()
                return f"fn({arguments})" + ("" if result == "()" else f" -> {result}")
            case "D":
                self.optional("G")
                traits = self.until_end(self.dynamic_trait)
                self.optional("L")
                return "dyn " + " + ".join(traits)
            case "B":
                return self.back_reference(self.type)
        self.at -= 1
        return self.path()

    def dynamic_trait(self):
        text = self.path()
        while self.accept("p"):
            text += f"<{self.plain_identifier()} = {self.type()}>"
        return text

    def constant(self):
        if self.accept("B"):
            return self.back_reference(self.constant)
        if self.next() not in BASIC_TYPES:
            raise _End
        if self.text[self.at - 1] == "p":
            return "_"
        sign = "-" if self.accept("n") else ""
        digits = ""
        while (char := self.next()) != "_":
            digits += char
        try:
            return f"{sign}{int(digits or '0', 16)}"
        except ValueError:
            raise _End from None
