"""The loop that drives a session: it does what `next` says until the run is over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from dewclaw import Record, Session, Variant


class ToolFailed(Exception):
    """A tool of the host's own has no result: what went wrong and what to do, for the model."""


class Host(Protocol):
    """What a session needs of the program that embeds it. `KeyboardInterrupt` out of any of these cancels the run."""

    def show(self, event: Variant) -> None:
        """Show an event, or ignore it."""

    def call_model(self, call: Record, body: Iterator[bytes]) -> None:
        """Begin a model call. What comes of it, `wait` tells."""

    def wait(self, session: Session, until_ms: int | None) -> None:
        """Wait for what comes next of a model call, and tell the session. Where a moment of the monotonic clock is given,
        wait no longer than that, call or no call."""

    def drop_reply(self, id: int) -> None:
        """Let go of a model call."""

    def operate(self, operation: Record | Variant) -> Variant:
        """Perform an operation that is not the component's to perform: its `answer`."""

    def run_tool(self, call: Record) -> str:
        """Run a tool of the host's own, or raise `ToolFailed`."""

    def approve(self, call: Record) -> str:
        """Ask whether this call may run: a `verdict`."""


def drive(session: Session, host: Host) -> Record:
    """Drives the session through the run that a prompt began, and gives its `outcome`."""
    while True:
        effect = session.next()
        try:
            match effect:
                case Variant("show", event):
                    host.show(event)
                case Variant("call-model", call):
                    host.call_model(call, session.body())
                case Variant("drop-reply", id):
                    host.drop_reply(id)
                case Variant("operate", (id, operation)):
                    session.operation_done(id, host.operate(operation))
                case Variant("drop-operation"):
                    pass  # Each is performed at once: there is nothing to let go of.
                case Variant("run-tool", call):
                    session.tool_done(call.id, _result(call, host))
                case Variant("approve", call):
                    session.approve(call.id, host.approve(call))
                case Variant("wait", until_ms):
                    host.wait(session, until_ms)
                case Variant("pending"):
                    host.wait(session, None)
                case Variant("finished", Record() as outcome):
                    return outcome
        except KeyboardInterrupt:
            session.cancel()


def _result(call: Record, host: Host) -> Variant:
    try:
        return Variant("ok", host.run_tool(call))
    except ToolFailed as error:
        return Variant("err", str(error))
