"""A workspace in memory: a map from paths to bytes, where folders are what paths lead through."""

from __future__ import annotations

from dewclaw import Record, Variant


class Refused(Exception):
    """A `file-error`."""


class MemoryFiles:
    def __init__(self, files: dict[str, str]) -> None:
        self.files = {path: text.encode() for path, text in files.items()}

    def perform(self, operation: Variant) -> Variant:
        """The `answer` to a `file-operation`."""
        try:
            match operation:
                case Variant("read", read):
                    return self._read(read)
                case Variant("replace", file):
                    self._check_place(file.path)
                    self.files[file.path] = file.content
                    return Variant("done")
                case Variant("append", file):
                    self._check_place(file.path)
                    self.files[file.path] = self.files.get(file.path, b"") + file.content
                    return Variant("done")
                case Variant("list-folder", folder):
                    return self._list(folder)
                case _:
                    return self._stat(operation.payload)
        except Refused as error:
            return Variant("file-failed", str(error))

    def _read(self, read: Record) -> Variant:
        self._check_place(read.path)
        if read.path not in self.files:
            raise Refused("not-found")
        content, end = self.files[read.path], read.offset + read.length
        return Variant("bytes", (content[read.offset : end], end >= len(content)))

    def _list(self, folder: Record) -> Variant:
        self._check_parents(folder.path)
        if folder.path in self.files:
            raise Refused("not-folder")
        if not self._is_folder(folder.path):
            raise Refused("not-found")
        start = f"{folder.path}/" if folder.path else ""
        names = {path[len(start) :].split("/", 1)[0] for path in self.files if path.startswith(start)}
        entries = []
        for name in sorted(names, key=str.encode):
            kind, size = self._kind_and_size(start + name)
            entries.append(Record(name=name, kind=kind, size=size))
        return Variant("listing", (entries[: folder.limit], len(entries)))

    def _stat(self, path: str) -> Variant:
        self._check_parents(path)
        if path not in self.files and not self._is_folder(path):
            raise Refused("not-found")
        return Variant("stat", self._kind_and_size(path))

    def _kind_and_size(self, path: str) -> tuple[str, int]:
        return ("file", len(self.files[path])) if path in self.files else ("folder", 0)

    def _check_place(self, path: str) -> None:
        self._check_parents(path)
        if self._is_folder(path):
            raise Refused("is-folder")

    def _check_parents(self, path: str) -> None:
        parts = path.split("/")
        if any("/".join(parts[:count]) in self.files for count in range(1, len(parts))):
            raise Refused("not-folder")

    def _is_folder(self, path: str) -> bool:
        return path == "" or any(other.startswith(f"{path}/") for other in self.files)
