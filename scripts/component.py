"""Takes a WebAssembly component apart and puts it together again.

wasm-opt reads core modules, not components. So scripts/build-wasm takes the largest core module out of
the component, lets wasm-opt work on that, and puts it back in its place (a core module is its own largest):

    component.py extract COMPONENT CORE       write the component's largest core module to CORE
    component.py arrange CORE OUT             write CORE to OUT so that it compresses best (function_order.py, local_numbers.py)
    component.py splice COMPONENT CORE OUT    write COMPONENT to OUT with CORE as its largest core module

`splice` refuses a module that no longer fits the component around it. It drops every custom section: names,
producers and the like have no meaning to a runtime, and each costs bytes. It arranges what is around the core modules anew
(component_sections.py) and shortens the names by which the component's core modules find each other (core_names.py).
"""

import sys

import component_sections
import core_names
import function_order
import local_numbers
from wasm_binary import (
    COMPONENT, CORE, CORE_MODULE, CUSTOM, NESTED_COMPONENT, Malformed, Section, encode, extract, interface, main_module, sections,
)  # fmt: skip

# Functions in another order give their locals other numbers, and those functions another order. It comes to no end, and
# not every time to a better one, so the best is taken. Of three it has 701 bytes less than the first one in dewclaw.wasm of
# 119,959 gzipped; a fourth takes as long again and rarely wins.
TIMES = 3


def arrange(core, what):
    """Core module `core` written so that it compresses best."""
    arranged = []
    for _ in range(TIMES):
        core = local_numbers.arrange(function_order.arrange(core, what), what)
        arranged.append(core)
    return min(arranged, key=function_order.compressed)


def strip(data, what):
    """Core module or component `data` without custom sections, and (name, bytes saved) of each dropped.

    Goes into nested modules and components too.
    """
    preamble = COMPONENT if data[:8] == COMPONENT else CORE
    kept, dropped = [], []
    for part in sections(data, what, preamble):
        if part.id == CUSTOM:
            dropped.append((part.custom_name(), len(part.encode())))
            continue
        if preamble == COMPONENT and part.id in (CORE_MODULE, NESTED_COMPONENT):
            body, inner = strip(part.body, what)
            part = Section(part.id, body)
            dropped += inner
        kept.append(part)
    return encode(preamble, kept), dropped


def check_fit(before, after):
    """Refuses an optimised module that takes or offers something else than it did."""
    for what, old, new in [("exports", before.exports, after.exports), ("imports", before.imports, after.imports)]:
        for name, kind in new.items():
            if name not in old:
                raise Malformed(f"the optimised module {what} {name}, which the original did not")
            if old[name] != kind:
                raise Malformed(f"the optimised module {what} {name} with another type than the original")
    # An import that nothing uses any more may go: the component hands it over, and nobody takes it.
    for name in before.exports:
        if name not in after.exports:
            raise Malformed(f"the optimised module no longer exports {name}")
    if before.start_pages != after.start_pages:
        raise Malformed(f"the optimised module starts with {after.start_pages} pages, not {before.start_pages}")


def splice(component, core, what):
    """`component` with `core` as its largest core module, without custom sections; and what was dropped.

    In the place of a core module `core` itself stands.
    """
    if component[:8] == CORE:
        check_fit(interface(component, what), interface(core, "the optimised module"))
        return strip(core, what)
    parts = sections(component, what, COMPONENT)
    main = main_module(parts, what)
    check_fit(interface(parts[main].body, what), interface(core, "the optimised module"))
    parts[main] = Section(CORE_MODULE, core)
    return strip(encode(COMPONENT, parts), what)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def main(arguments):
    match arguments:
        case ["extract", component, core]:
            data = read(component)
            write(core, data if data[:8] == CORE else extract(data, component))
        case ["arrange", core, out]:
            write(out, arrange(read(core), core))
        case ["splice", component, core, out]:
            data, dropped = splice(read(component), read(core), component)
            arranged = short = data
            if data[:8] == COMPONENT:
                arranged = component_sections.arrange(data, component)
                short = core_names.shorten(arranged, component)
            write(out, short)
            sizes = {}
            for name, size in dropped:
                sizes[name] = sizes.get(name, 0) + size
            listed = ", ".join(f"{name} {size:,}" for name, size in sorted(sizes.items()))
            print(
                f"dropped custom sections: {listed or 'none'}; arranged anew: {len(data) - len(arranged):,}; "
                f"shorter core names: {len(arranged) - len(short):,}"
            )
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Malformed, OSError) as error:
        sys.exit(f"component.py: {error}")
