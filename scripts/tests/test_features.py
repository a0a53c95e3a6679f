"""That the command, the sandbox and the tests build wasmtime with one set of features: it takes minutes to compile, and
whoever has run the tests has it when the README's command is run."""

import re
import subprocess
import unittest

import samples

ROOT = samples.SCRIPTS.parent


def builds():
    """What the scripts and the documents build that may hold wasmtime: (whether tests are built, packages)."""
    for name in ["scripts/test", "scripts/bench", "README.md", "docs/native.md", "docs/plugins.md"]:
        for line in (ROOT / name).read_text().splitlines():
            called = re.search(r"\bcargo (build|run|test) --release\b(.*)", line)
            packages = re.findall(r"-p ([\w-]+)", called[2].split(" -- ")[0]) if called else []
            if packages:
                tests = called[1] == "test" or re.search(r"--all-targets|--example", called[2]) is not None
                yield tests, tuple(packages)


def wasmtime(tests, packages):
    """wasmtime and all below it, each with its features, as a build of these packages has them; empty without it."""
    edges = ["normal", "no-proc-macro", *(["dev"] if tests else [])]
    selected = [argument for package in packages for argument in ("-p", package)]
    command = ["cargo", "tree", "--locked", "--no-dedupe", "--prefix", "depth", "--format", " {p} {f}"]
    command += [*selected, "-e", ",".join(edges)]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found, top = set(), None
    for line in filter(None, printed.splitlines()):
        depth, package = line.split(" ", 1)
        if top is not None and int(depth) <= top:
            break
        if top is None and package.startswith("wasmtime v"):
            top = int(depth)
        if top is not None:
            found.add(package)
    return found


class Features(unittest.TestCase):
    def test_wasmtime_is_compiled_once_for_all_that_links_it(self):
        found = {build: wasmtime(*build) for build in set(builds())}
        found = {build: features for build, features in found.items() if features}
        self.assertGreater(len(found), 4, found.keys())
        (first, features), *others = found.items()
        self.assertGreater(len(features), 50)
        for other, its_features in others:
            self.assertEqual(features ^ its_features, set(), f"the builds of {first} and {other} differ")


if __name__ == "__main__":
    unittest.main()
