"""The component in Python's words: `Program`, `Instance` and `Session`, over the package `wasmtime`.

wit/session.wit is the reference. Its functions are methods here, and take the time from the instance's clock. A record is
a `Record` with the same fields, `_` in place of `-`. A variant is a `Variant(tag, payload)`, made for `match`, with the
names as WIT spells them; but where the kinds of the payloads tell the cases apart, as in an `operation`, a `result` and
an `option`, wasmtime gives the payload alone. An `error` is raised.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace as Record
from typing import Any

import wasmtime.component
from wasmtime import Engine, Store, WasiConfig
from wasmtime.component import Component, Linker, ResourceAny

__all__ = ["Instance", "Program", "Record", "Session", "SessionError", "Variant", "clock", "config"]

INTERFACE = "dewclaw:agent/session@0.1.0"

Pairs = list[tuple[str, str]]
Clock = Callable[[], Record]


@dataclass
class Variant(wasmtime.component.Variant):
    """A case of a variant: its name, and what it holds."""

    payload: Any = None


class SessionError(Exception):
    """An `error` of the interface. The call has changed nothing."""

    def __init__(self, name: str, detail: str | None = None) -> None:
        super().__init__(detail or name.replace("-", " "))
        self.name = name


def clock() -> Record:
    """Both clocks of this machine at this moment."""
    return Record(monotonic_ms=time.monotonic_ns() // 1_000_000, wall_ms=time.time_ns() // 1_000_000)


def config(
    settings: Mapping[str, object],
    *,
    tools: list[str] | None = None,
    model: str = "host",
    files: str = "host",
    web: str = "host",
) -> Record:
    """A `config`: the settings of dewclaw.json, and who does what: `host` or `component`."""
    return Record(settings=json.dumps(settings), tools=tools, model=model, files=files, web=web)


class Program:
    """A component file, compiled. That takes a tenth of a second; an instance of it starts in a fraction of a millisecond."""

    def __init__(self, path: Path) -> None:
        self.engine = Engine()
        self.component = Component.from_file(self.engine, path)
        # What dewclaw-offline.wasm may import. There is no network among it, and dewclaw-core.wasm imports nothing.
        self.linker = Linker(self.engine)
        self.linker.add_wasip2()
        interface = self.component.get_export_index(INTERFACE)
        if interface is None:
            raise ValueError(f"{path} does not export {INTERFACE}: build it with scripts/build-wasm")
        self.interface = interface

    def start(self, workspace: Path | None = None, clock: Clock = clock) -> Instance:
        """A fresh instance, which sees `workspace` and no other folder."""
        return Instance(self, workspace, clock)


class Instance:
    """An instance of a program. Its sessions share nothing but their fate: after a `WasmtimeError`, which is a trap or a
    name that no enum has, none of them can be called."""

    def __init__(self, program: Program, workspace: Path | None, clock: Clock) -> None:
        self.program, self.clock = program, clock
        self.store = Store(program.engine)
        wasi = WasiConfig()
        if workspace is not None:
            wasi.preopen_dir(str(workspace), "/")
        self.store.set_wasi(wasi)
        self._instance = program.linker.instantiate(self.store, program.component)

    def open(self, config: Record, host_tools: list[Record], seed: int) -> Session:
        return Session(self, _unless_error(self.call("[static]session.open", config, host_tools, seed)))

    def restore(self, config: Record, host_tools: list[Record], saved: bytes) -> Session:
        return Session(self, _unless_error(self.call("[static]session.restore", config, host_tools, saved)))

    def call(self, name: str, *arguments: object) -> Any:
        """Calls a function of the interface by the name that the component model gives it."""
        index = self.program.component.get_export_index(name, self.program.interface)
        function = self._instance.get_func(self.store, index) if index else None
        if function is None:
            raise ValueError(f"the component does not export {name}")
        return _respelled(function(self.store, *_respelled(arguments, "_", "-")), "-", "_")


class Session:
    """A conversation."""

    def __init__(self, instance: Instance, handle: ResourceAny) -> None:
        self.instance, self.handle = instance, handle

    def prompt(self, text: str) -> None:
        self._tell("prompt", text)

    def next(self) -> Variant:
        effect: Variant = self._call("next", self.instance.clock())
        return effect

    def body(self) -> Iterator[bytes]:
        """The pieces of the body that belongs to the last `call-model`."""
        pieces = (self._call("body-piece", index) for index in itertools.count())
        return itertools.takewhile(lambda piece: piece is not None, pieces)

    def reply_start(self, id: int, status: int, headers: Pairs) -> None:
        self._tell("reply-start", id, status, headers)

    def reply_chunk(self, id: int, piece: bytes) -> None:
        self._tell("reply-chunk", id, piece)

    def reply_end(self, id: int) -> None:
        self._tell("reply-end", id)

    def reply_failed(self, id: int, error: str) -> None:
        self._tell("reply-failed", id, error)

    def operation_done(self, id: int, answer: Variant) -> None:
        self._tell("operation-done", id, answer)

    def tool_done(self, call: str, result: Variant) -> None:
        self._tell("tool-done", call, result)

    def approve(self, call: str, verdict: str) -> None:
        self._tell("approve", call, verdict)

    def cancel(self) -> None:
        self._tell("cancel")

    def advance(self, max_ms: int) -> list[Variant]:
        """For components that call the model or the web themselves. Operations on files are done within `next`."""
        events: list[Variant] = _unless_error(self._call("advance", max_ms))
        return events

    def usage(self) -> Record:
        usage: Record = self._call("usage")
        return usage

    def save(self) -> bytes:
        saved: bytes = self._call("save")
        return saved

    def close(self) -> None:
        """Lets go of the session. What is not saved is lost."""
        self.handle.drop(self.instance.store)

    def _call(self, name: str, *arguments: object) -> Any:
        return self.instance.call(f"[method]session.{name}", self.handle, *arguments)

    def _tell(self, name: str, *arguments: object) -> None:
        _unless_error(self._call(name, self.instance.clock(), *arguments))


def _unless_error(result: Any) -> Any:
    """What a `result` holds. No `ok` of the interface is a variant, so a variant is the error."""
    if isinstance(result, Variant):
        raise SessionError(result.tag, result.payload)
    return result


def _respelled(value: Any, old: str, new: str) -> Any:
    """A value with the fields of its records spelled in the other way."""
    match value:
        case list() | tuple():
            return type(value)(_respelled(item, old, new) for item in value)
        case wasmtime.component.Variant(tag, payload):
            return Variant(tag, _respelled(payload, old, new))
        case _ if isinstance(value, (Record, wasmtime.component.Record)):
            return Record(**{name.replace(old, new): _respelled(field, old, new) for name, field in vars(value).items()})
        case _:
            return value
