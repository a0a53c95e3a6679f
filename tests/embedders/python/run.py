"""Runs conversations of tests/conversations in the component, and logs what the session says.

    python run.py COMPONENT FILE.json... [--out DIR]

The log goes to standard output, or to NAME.log in DIR for each NAME.json. tests/conversations/README.md has the format of
both, and says how the host behaves. The loop is that of examples/embed-python.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import example  # First: it makes the example's modules importable.
from dewclaw import Program, Record, Session, SessionError, Variant, config
from drive import drive

from log import Log
from scripted_host import Clock, Exhausted, ScriptedHost

SEED = 7


class Conversation:
    """A conversation as its file has it."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.script: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        self.config = config(self.script["settings"], tools=self.script.get("tools"))
        self.host_tools = [
            Record(**{**tool, "parameters": json.dumps(tool["parameters"], ensure_ascii=False, separators=(",", ":"))})
            for tool in self.script.get("host_tools", [])
        ]

    def run(self, program: Program, log: Log) -> str | None:
        """Runs it, and gives what is wrong with how it went, if anything."""
        clock = Clock()
        host = ScriptedHost(self.script, clock)
        try:
            opened = program.start(clock=clock).open(self.config, self.host_tools, SEED)
            log.line("open")
            with closing(Watched(opened, self, host, log)) as session:
                for prompt in self.script["prompts"]:
                    log.prompt(prompt)
                    session.prompt(prompt)
                    outcome = drive(session, host)
        except SessionError as error:
            log.line(f"error {error.name}")
            return f"the session answered {error.name}: {error}"
        except Exhausted as error:
            return str(error)
        expected: dict[str, Any] = self.script["ends"]
        came = {name: getattr(outcome, name) for name in expected}
        return None if came == expected else f"it ended with {came}, not with {expected}"


class Watched(Session):
    """A session whose effects are logged, and which is cancelled or saved where the conversation says so."""

    def __init__(self, session: Session, conversation: Conversation, host: ScriptedHost, log: Log) -> None:
        super().__init__(session.instance, session.handle)
        self.conversation, self.host, self.log = conversation, host, log
        self.effects = 0

    def next(self) -> Variant:
        while True:
            effect = super().next()
            self.effects += 1
            self.log.effect(effect, self)
            if self.effects == self.conversation.script.get("cancel_at"):
                self.host.clock.go_on()
                self.cancel()
            elif self.effects in self.conversation.script.get("save_at", []):
                self._restore()
            else:
                return effect

    def _restore(self) -> None:
        saved = self.save()
        self.close()
        self.handle = self.instance.restore(self.conversation.config, self.conversation.host_tools, saved).handle
        self.host.forget_replies()
        self.log.line(f"restored {len(saved)}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs conversations, and logs what the session says.")
    parser.add_argument("component", type=Path)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE.json")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write NAME.log here, for each")
    given = parser.parse_args()
    if len(given.files) > 1 and not given.out:
        parser.error("more than one file: name a folder for the logs with --out DIR")
    program = Program(given.component)
    status = 0
    for path in given.files:
        log = Log()
        wrong = Conversation(path).run(program, log)
        if given.out:
            (given.out / f"{path.stem}.log").write_bytes(log.encoded())
        else:
            sys.stdout.buffer.write(log.encoded())
        if wrong:
            print(f"{path}: {wrong}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
