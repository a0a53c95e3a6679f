"""Ctrl-C, as a session wants it: it breaks off what the program waits for, never a call of the component."""

from __future__ import annotations

import signal


class Interrupt:
    """Entered for as long as the program waits: a Ctrl-C then, or before, is a `KeyboardInterrupt`."""

    def __init__(self) -> None:
        self.came = self.waiting = False
        signal.signal(signal.SIGINT, self._come)

    def __enter__(self) -> None:
        self.waiting = True
        if self.came:
            self._leave()
            raise KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        self._leave()

    def _come(self, *_: object) -> None:
        self.came = True
        if self.waiting:
            raise KeyboardInterrupt

    def _leave(self) -> None:
        self.came = self.waiting = False
