"""examples/embed-python/exchange.py: what a session is told of a server that fails in each of its ways."""

import contextlib
import socket
import ssl
import threading
import unittest

import example  # First: it makes the example's modules importable.
from dewclaw import Record
from exchange import Exchange, failure

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


class Told:
    """A session that keeps what it is told."""

    def __init__(self):
        self.inputs = []

    def reply_start(self, id, status, headers):
        self.inputs.append((status, headers))

    def reply_chunk(self, id, piece):
        self.inputs.append(piece)

    def reply_end(self, id):
        self.inputs.append("end")

    def reply_failed(self, id, error):
        self.inputs.append(error)


class Server:
    """A server on loopback that answers one request with these bytes, and then hangs up or keeps silent."""

    def __init__(self, answer, hangs_up=True):
        self.answer, self.hangs_up = answer, hangs_up
        self.request = b""
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d/v1?a=b" % self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.listener.close()

    def _serve(self):
        connection, _ = self.listener.accept()
        with connection:
            while not self.request.endswith(b"\r\n\r\n{}"):
                piece = connection.recv(4096)
                if not piece:
                    return
                self.request += piece
            connection.sendall(self.answer)
            if not self.hangs_up:
                self.over.wait()


def call(url, scheme=None, milliseconds=60_000):
    timeouts = Record(connect_ms=milliseconds, first_byte_ms=milliseconds, between_bytes_ms=milliseconds)
    auth = Record(slot="openai", scheme=scheme)
    return Record(id=1, url=url, headers=[("accept", "*/*")], auth=auth, content_length=2, timeouts=timeouts)


def told(call, credential=None):
    """All that a session is told of a call."""
    session, exchange = Told(), Exchange(call, [b"{", b"}"], credential, contextlib.nullcontext())
    while exchange.tell(session, None):
        pass
    return session.inputs


class Replies(unittest.TestCase):
    def test_a_reply_is_told_in_pieces(self):
        with Server(HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n") as server:
            inputs = told(call(server.url))
        headers = [("content-type", "text/plain"), ("transfer-encoding", "chunked")]
        self.assertEqual(inputs, [(200, headers), b"one", b"two", "end"])

    def test_the_request_has_its_length_and_the_credential_where_the_scheme_says(self):
        for scheme, header in [(None, b"authorization: Bearer sk-1\r\n"), ("x-api-key", b"x-api-key: sk-1\r\n")]:
            with Server(HEAD + b"Content-Length: 0\r\n\r\n") as server:
                told(call(server.url, scheme), "sk-1")
            self.assertTrue(server.request.startswith(b"POST /v1?a=b HTTP/1.1\r\n"), server.request)
            for part in (header, b"content-length: 2\r\n", b"accept: */*\r\n"):
                self.assertIn(part, server.request)

    def test_a_limit_ends_the_wait_and_not_the_call(self):
        with Server(HEAD + b"\r\nall of it", hangs_up=False) as server:
            session, exchange = Told(), Exchange(call(server.url), [b"{}"], None, contextlib.nullcontext())
            self.assertTrue(exchange.tell(session, None))
            self.assertTrue(exchange.tell(session, None))
            self.assertTrue(exchange.tell(session, 0.01))
            exchange.close()
        self.assertEqual(session.inputs[1:], [b"all of it"])


class Failures(unittest.TestCase):
    def ends_with(self, error, answer, hangs_up=True, milliseconds=60_000):
        with Server(answer, hangs_up) as server:
            self.assertEqual(told(call(server.url, milliseconds=milliseconds))[-1], error, answer)

    def test_a_server_that_hangs_up(self):
        self.ends_with("closed", b"")
        self.ends_with("closed", HEAD + b"Content-Length: 9\r\n\r\nfour")
        self.ends_with("closed", HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\nfour")

    def test_a_server_that_keeps_silent(self):
        self.ends_with("first-byte-timeout", b"", hangs_up=False, milliseconds=100)
        self.ends_with("between-bytes-timeout", HEAD + b"\r\nfour", hangs_up=False, milliseconds=100)

    def test_a_server_that_speaks_something_else(self):
        self.ends_with("protocol", b"220 mail.example ESMTP\r\n")

    def test_nobody_there(self):
        # A connection's own end holds its port, where nobody listens.
        with socket.create_server(("127.0.0.1", 0)) as peer, socket.create_connection(peer.getsockname()) as held:
            self.assertEqual(told(call("http://127.0.0.1:%d/" % held.getsockname()[1])), ["connect"])
        self.assertEqual(failure(socket.gaierror(), "connect"), "dns")
        self.assertEqual(told(call("http://127.0.0.1:port/")), ["invalid-request"])

    def test_tls_that_fails(self):
        self.assertEqual(failure(ssl.SSLCertVerificationError(), "connect"), "tls")
        self.assertEqual(failure(ssl.SSLEOFError(), "between-bytes"), "closed")
        with Server(b"HTTP/1.1 400 Bad Request\r\n\r\n", hangs_up=False) as server:
            server.request = b"\r\n\r\n{}"  # It answers at once.
            self.assertEqual(told(call(server.url.replace("http:", "https:"))), ["tls"])


if __name__ == "__main__":
    unittest.main()
