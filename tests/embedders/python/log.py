"""The log of a conversation: a line for each thing that the session says."""

from __future__ import annotations

import re

from dewclaw import Record, Session, Variant


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def encoded(self) -> bytes:
        return "".join(line + "\n" for line in self.lines).encode()

    def line(self, text: str) -> None:
        self.lines.append(text)

    def prompt(self, prompt: str) -> None:
        self.line(f"prompt {quoted(prompt)}")

    def effect(self, effect: Variant, session: Session) -> None:
        match effect:
            case Variant("show", event):
                self.line(f"show {event.tag} {shown(event)}")
            case Variant("call-model", call):
                scheme, waits = call.auth.scheme, call.timeouts
                self.line(
                    f"call-model {call.id} {quoted(call.url)} {call.auth.slot} {f'header:{scheme}' if scheme else 'bearer'} "
                    f"{call.content_length} {waits.connect_ms} {waits.first_byte_ms} {waits.between_bytes_ms}"
                )
                self._headers_and_body(call.headers, b"".join(session.body()))
            case Variant("drop-reply" | "drop-operation" | "wait", number):
                self.line(f"{effect.tag} {number}")
            case Variant("operate", (id, Variant() as operation)):
                self.line(f"operate {id} {operation.tag} {on_files(operation)}")
            case Variant("operate", (id, exchange)):
                self.line(f"operate {id} http {exchange.method} {quoted(exchange.url)} {exchange.max_bytes} {exchange.total_ms}")
                self._headers_and_body(exchange.headers, exchange.body)
            case Variant("run-tool" | "approve", call):
                self.line(f"{effect.tag} {call_of_tool(call)}")
            case Variant("pending"):
                self.line("pending")
            case Variant("finished", outcome):
                failure = outcome.failure and f" failure {outcome.failure[0]} {quoted(outcome.failure[1])}"
                ended = f"{outcome.reason} {outcome.exit_code} {quoted(outcome.text)} {tokens(outcome.usage)}"
                self.line(f"finished {ended}{failure or ''}")

    def _headers_and_body(self, headers: list[tuple[str, str]], body: bytes) -> None:
        for name, value in headers:
            self.line(f"header {quoted(name)} {quoted(value)}")
        self.line(f"body {quoted(body)}")


def quoted(text: str | bytes) -> str:
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\u{ord(found[0]):04x}", escaped) + '"'


def shown(event: Variant) -> str:
    match event:
        case Variant("tool-started", call):
            return call_of_tool(call)
        case Variant("tool-finished", over):
            return f"{quoted(over.call)} {quoted(over.name)} {str(over.ok).lower()} {quoted(over.result)}"
        case Variant("retry", retry):
            return f"{retry.attempt} {retry.wait_ms} {quoted(retry.cause)}"
        case Variant("usage", usage):
            return tokens(usage)
        case _:
            return quoted(event.payload)


def on_files(operation: Variant) -> str:
    match operation:
        case Variant("read", read):
            return f"{quoted(read.path)} {read.offset} {read.length}"
        case Variant("list-folder", folder):
            return f"{quoted(folder.path)} {folder.limit}"
        case Variant("replace" | "append", file):
            return f"{quoted(file.path)} {quoted(file.content)}"
        case _:
            return quoted(operation.payload)


def call_of_tool(call: Record) -> str:
    return f"{quoted(call.id)} {quoted(call.name)} {quoted(call.arguments)}"


def tokens(usage: Record) -> str:
    return f"{usage.input_tokens} {usage.output_tokens} {usage.cached_tokens}"
