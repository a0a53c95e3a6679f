"""An agent in a Python program: it works on the files of one folder, and asks this program how warm a room is.

    OPENAI_API_KEY=… DEWCLAW_MODEL=… python main.py --dir DIR [--session FILE] "prompt"

The component reads and writes the files; it sees no other folder and has no network. This program calls the model, brings
a tool of its own, asks before a call that writes, and keeps the conversation. Ctrl-C ends the run, not the conversation.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from dewclaw import Program, Record, Session, SessionError, Variant, clock, config
from drive import ToolFailed, drive
from exchange import Exchange
from interrupt import Interrupt

OFFLINE = Path(__file__).resolve().parents[2] / "dist" / "dewclaw-offline.wasm"

ROOMS = {"greenhouse": 24.5, "cellar": 11.0}  # °C. A real program would ask its sensors.
READ_TEMPERATURE = Record(
    name="read_temperature",
    description=f"Reads the temperature of a room in °C. The rooms are {', '.join(ROOMS)}.",
    parameters=json.dumps({"type": "object", "properties": {"room": {"type": "string"}}, "required": ["room"]}),
    writes=False,
    parallel=True,
)


class Terminal:
    """The host. The answer goes to standard output, all else to standard error; questions are answered by a line."""

    def __init__(self) -> None:
        self.exchange: Exchange | None = None
        self.interrupt = Interrupt()
        self.in_line = False

    def show(self, event: Variant) -> None:
        match event:
            case Variant("text", text):
                print(printable(text), end="", flush=True)
                self.in_line = not text.endswith("\n")
            case Variant("tool-started", call):
                self.say(f"* {call.name} {call.arguments}")
            case Variant("tool-finished", call) if not call.ok:
                self.say(f"  ! {call.result}")
            case Variant("retry", retry):
                self.say(f"{retry.cause}; trying again in {retry.wait_ms} ms")
            case Variant("reply-discarded", cause):
                self.say(f"the text above does not count: {cause}")
            case Variant("notice", text):
                self.say(text)

    def call_model(self, call: Record, body: Iterator[bytes]) -> None:
        key = os.environ.get(f"{call.auth.slot.upper()}_API_KEY")
        self.exchange = Exchange(call, body, key, self.interrupt)

    def wait(self, session: Session, until_ms: int | None) -> None:
        seconds = None if until_ms is None else max(1, until_ms - clock().monotonic_ms) / 1000
        if self.exchange is None:
            assert seconds is not None, "a session waits for a reply or for a moment"
            with self.interrupt:
                time.sleep(seconds)
        elif not self.exchange.tell(session, seconds):
            self.exchange = None

    def drop_reply(self, id: int) -> None:
        if self.exchange is not None:
            self.exchange.close()
            self.exchange = None

    def operate(self, operation: Record | Variant) -> Variant:
        return Variant("http-failed", "denied")  # Of the web, which no setting below opens to the model.

    def run_tool(self, call: Record) -> str:
        room = json.loads(call.arguments)["room"]
        if room not in ROOMS:
            raise ToolFailed(f"there is no room {room!r}: the rooms are {', '.join(ROOMS)}")
        return json.dumps({"room": room, "celsius": ROOMS[room]})

    def approve(self, call: Record) -> str:
        self.say(f"May {call.name} run with {call.arguments}? [y]es, [n]o:", end=" ")
        with self.interrupt:
            line = sys.stdin.readline()
        answers = {"": "unanswered", "y\n": "approved", "yes\n": "approved"}
        return answers.get(line.lower(), "refused")

    def say(self, text: str, end: str = "\n") -> None:
        if self.in_line:
            print(flush=True)
            self.in_line = False
        print(printable(text.replace("\n", " ")), end=end, file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """What others wrote, without what would steer the terminal."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\N{REPLACEMENT CHARACTER}" for letter in text)


def main() -> int:
    parser = argparse.ArgumentParser(description="An agent that works on the files of one folder.")
    parser.add_argument("--dir", type=Path, required=True, help="the folder")
    parser.add_argument("--session", type=Path, metavar="FILE", help="go on with the conversation in FILE, and keep it there")
    parser.add_argument("--component", type=Path, metavar="FILE", default=OFFLINE, help="default: dist/dewclaw-offline.wasm")
    parser.add_argument("prompt")
    given = parser.parse_args()
    for folder in (given.dir, given.session and given.session.parent):
        if folder and not folder.is_dir():
            parser.error(f"{folder} is not a folder")
    if not given.component.is_file():
        parser.error(f"{given.component} is missing: run scripts/build-wasm, or name another with --component")

    settings = {"model": os.environ.get("DEWCLAW_MODEL"), "base_url": os.environ.get("OPENAI_BASE_URL", "")}
    if not settings["model"]:
        parser.error("no model: set DEWCLAW_MODEL to its name")
    host = Terminal()
    try:
        instance = Program(given.component).start(workspace=given.dir)
        chosen = config(settings | {"approve": "writes"}, files="component")
        if given.session and given.session.exists():
            session = instance.restore(chosen, [READ_TEMPERATURE], given.session.read_bytes())
        else:
            session = instance.open(chosen, [READ_TEMPERATURE], seed=secrets.randbits(64))
        session.prompt(given.prompt)
    except SessionError as error:
        parser.error(f"{given.session}: {error}" if error.name == "saved" else str(error))

    outcome = drive(session, host)
    if outcome.failure is not None:
        host.say(outcome.failure[1])
    elif outcome.reason != "answered":
        host.say(f"the run ended: {outcome.reason}")
    host.say("# tokens: {input_tokens} in ({cached_tokens} cached), {output_tokens} out".format_map(vars(outcome.usage)))
    if given.session:
        partial = given.session.with_name(given.session.name + ".partial")
        partial.write_bytes(session.save())
        partial.replace(given.session)
    return int(outcome.exit_code)


if __name__ == "__main__":
    sys.exit(main())
