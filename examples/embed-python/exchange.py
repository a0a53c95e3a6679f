"""One model call over HTTP, by the standard library: the request goes out whole, the reply is told piece by piece."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from contextlib import AbstractContextManager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead, InvalidURL
from urllib.parse import urlsplit

from dewclaw import Record, Session

PIECE_BYTES = 64 * 1024


class Exchange:
    """A model call in flight. The credential goes into the request here, and nowhere else; `waiting` is entered for as
    long as the network is waited for."""

    def __init__(
        self, call: Record, body: Iterable[bytes], credential: str | None, waiting: AbstractContextManager[object]
    ) -> None:
        self.call, self.body, self.waiting = call, list(body), waiting
        self.headers = dict(call.headers) | {"content-length": str(call.content_length)}
        if credential:
            scheme = call.auth.scheme  # `bearer` is None, as it holds nothing; else it is the name of a header.
            self.headers |= {scheme: credential} if scheme else {"authorization": f"Bearer {credential}"}
        self.waiting_for = "connect"
        self.socket: socket.socket | None = None
        self.reply: HTTPResponse | None = None

    def tell(self, session: Session, seconds: float | None) -> bool:
        """Waits for what comes next, no longer than `seconds` where they are given, and tells the session. False once
        the call is over."""
        try:
            if self.reply is None:
                with self.waiting:
                    self.reply = self._send()
                headers = [(name.lower(), value) for name, value in self.reply.getheaders()]
                session.reply_start(self.call.id, self.reply.status, headers)
                return True
            with self.waiting:
                piece = self._read(self.reply, seconds)
            if piece:
                session.reply_chunk(self.call.id, piece)
                return True
            session.reply_end(self.call.id)
        except (OSError, HTTPException, ValueError) as error:
            if seconds is not None and isinstance(error, TimeoutError):
                return True
            session.reply_failed(self.call.id, failure(error, self.waiting_for))
        self.close()
        return False

    def close(self) -> None:
        """Lets go of the connection."""
        for part in (self.reply, self.socket):
            if part is not None:
                part.close()

    def _send(self) -> HTTPResponse:
        url, timeouts = urlsplit(self.call.url), self.call.timeouts
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=timeouts.connect_ms / 1000)
        connection.connect()
        self.socket, self.waiting_for = connection.sock, "first-byte"
        self.socket.settimeout(timeouts.first_byte_ms / 1000)
        connection.request("POST", url.path + ("?" + url.query if url.query else ""), self.body, self.headers)
        reply = connection.getresponse()
        self.waiting_for = "between-bytes"
        return reply

    def _read(self, reply: HTTPResponse, seconds: float | None) -> bytes:
        assert self.socket is not None
        longest = self.call.timeouts.between_bytes_ms / 1000
        self.socket.settimeout(longest if seconds is None else seconds)
        piece = reply.read1(PIECE_BYTES)
        if not piece and reply.length:
            raise IncompleteRead(piece, reply.length)
        return piece


def failure(error: Exception, waiting_for: str) -> str:
    """The `http-error` that an exception is."""
    match error:
        case TimeoutError():
            return f"{waiting_for}-timeout"
        case socket.gaierror():
            return "dns"
        case ssl.SSLError() if waiting_for == "connect":
            return "tls"
        case InvalidURL() | ValueError():
            return "invalid-request"
        case OSError() if waiting_for == "connect":
            return "connect"
        case OSError() | IncompleteRead():
            return "closed"
        case _:
            return "protocol"
