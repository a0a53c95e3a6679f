"""A host that answers from a script: the model, the tools, the verdicts and the web, on a clock of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from dewclaw import Record, Session, Variant
from drive import ToolFailed

from memory_files import MemoryFiles

INPUT_MS = 10


class Exhausted(Exception):
    """The script has no answer left."""


class Clock:
    """The time, which passes by inputs and by waits alone."""

    def __init__(self) -> None:
        self.passed_ms = 0

    def __call__(self) -> Record:
        return Record(monotonic_ms=1_000 + self.passed_ms, wall_ms=1_795_132_800_000 + self.passed_ms)

    def go_on(self) -> None:
        """Before each input."""
        self.passed_ms += INPUT_MS

    def go_to(self, monotonic_ms: int) -> None:
        self.passed_ms = max(self.passed_ms, monotonic_ms - 1_000)


class ScriptedHost:
    """A `drive.Host`. What it answers is an input, so that the clock goes on before each answer."""

    def __init__(self, script: dict[str, Any], clock: Clock) -> None:
        self.clock = clock
        self.files = MemoryFiles(script.get("files", {}))
        self.answers = {name: iter(script.get(name, [])) for name in ("replies", "tool_results", "verdicts", "fetches")}
        # Of the replies in flight: the model call, and which method of the session is to be called, with what.
        self.untold: deque[tuple[int, str, list[Any]]] = deque()

    def show(self, event: Variant) -> None:
        pass

    def call_model(self, call: Record, body: Iterator[bytes]) -> None:
        self.untold.extend((call.id, name, arguments) for name, *arguments in told_of(self._next("replies")))

    def wait(self, session: Session, until_ms: int | None) -> None:
        if self.untold:
            self.clock.go_on()
            id, name, arguments = self.untold.popleft()
            getattr(session, name)(id, *arguments)
        elif until_ms is not None:
            self.clock.go_to(until_ms)
        else:
            raise Exhausted("the session is pending, and nothing is left to tell")

    def drop_reply(self, id: int) -> None:
        self.untold = deque(entry for entry in self.untold if entry[0] != id)

    def forget_replies(self) -> None:
        """What becomes of the calls in flight when the session is restored."""
        self.untold.clear()

    def operate(self, operation: Record | Variant) -> Variant:
        self.clock.go_on()
        if isinstance(operation, Variant):
            return self.files.perform(operation)
        fetch = self._next("fetches")
        if "failed" in fetch:
            return Variant("http-failed", fetch["failed"])
        return Variant("reply", Record(**fetch | {"headers": pairs(fetch), "body": fetch["body"].encode()}))

    def run_tool(self, call: Record) -> str:
        self.clock.go_on()
        result = self._next("tool_results")
        if "err" in result:
            raise ToolFailed(result["err"])
        ok: str = result["ok"]
        return ok

    def approve(self, call: Record) -> str:
        self.clock.go_on()
        verdict: str = self._next("verdicts")
        return verdict

    def _next(self, name: str) -> Any:
        try:
            return next(self.answers[name])
        except StopIteration:
            raise Exhausted(f"more is asked for than {name} has") from None


def told_of(reply: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """What a reply of the script tells a session, in its order."""
    if "failed" in reply:
        yield "reply_failed", reply["failed"]
        return
    yield "reply_start", reply["status"], pairs(reply)
    for piece in reply["pieces"]:
        yield "reply_chunk", bytes_of(piece)
    end = reply.get("end", "end")
    if end == "end":
        yield ("reply_end",)
    elif end != "open":
        yield "reply_failed", end


def bytes_of(piece: Any) -> bytes:
    match piece:
        case {"hex": digits}:
            return bytes.fromhex(digits)
        case {"repeat": text, "times": times}:
            return str(text).encode() * int(times)
        case text:
            return str(text).encode()


def pairs(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in answer["headers"]]
