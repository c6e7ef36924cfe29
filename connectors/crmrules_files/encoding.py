"""Find out how a text file is encoded, strictly: a file that is neither is refused, never guessed."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from crmrules.errors import DataError, Location, Problem

_CHUNK = 1 << 20
_BOMS_OF_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Encoding:
    """How a file is encoded."""

    name: str  # a codec: utf-8 or gb18030
    bom: bool = False  # starts with UTF-8's byte-order mark

    @property
    def codec(self) -> str:
        """The codec that reads the whole file, mark included."""
        return "utf-8-sig" if self.bom else self.name


def detect(path: Path, shown: str, declared: str = "auto", ascii_means: str = "utf-8") -> Encoding:
    """Return the encoding of the file at *path*, having decoded all of it.

    A byte-order mark says UTF-8; else a file that is UTF-8 throughout is that; else it must be
    GB18030 throughout. *declared* allows that one only; *ascii_means* is what a file without any
    telling byte is.
    Raises DataError with the byte where it fails, for NUL bytes, and for an odd number of quotes.
    """
    with path.open("rb") as stream:
        head = stream.read(4)
    if head[:2] in _BOMS_OF_UTF16:
        raise _wrong(shown, "is UTF-16", 0, "utf-8 or gb18030")
    bom = head.startswith(codecs.BOM_UTF8)
    candidates = (
        ["utf-8"] if bom or declared == "utf-8" else ["gb18030"] if declared == "gb18030" else ["utf-8", "gb18030"]
    )
    failures: list[tuple[str, int]] = []
    for name in candidates:
        failed, plain = _scan(path, shown, name)
        if failed is None:
            return Encoding(ascii_means if plain and declared == "auto" else name, bom)
        failures.append((name, failed))
    tried = ", ".join(f"{name} fails at byte {at}" for name, at in failures)
    raise _wrong(shown, f"can't be read: {tried}", failures[0][1], "a text in UTF-8 or GB18030")


def _scan(path: Path, shown: str, name: str) -> tuple[int | None, bool]:
    """Return the first byte that is not *name*, or None, and whether all were ASCII."""
    decoder = codecs.getincrementaldecoder(name)("strict")
    done = quotes = 0
    plain = True
    with path.open("rb") as stream:
        while True:
            chunk = stream.read(_CHUNK)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return done - pending + error.start, False
            nul = chunk.find(b"\0")
            if nul >= 0:
                raise _wrong(shown, f"has a NUL byte at byte {done + nul}: it is no text", done + nul, "a text file")
            quotes += chunk.count(b'"')
            done += len(chunk)
            plain = plain and chunk.isascii()
            if not chunk:
                break
    if quotes % 2 and path.suffix.lower() == ".csv":
        raise DataError(
            Problem(
                "open-quote", "a quoted cell is never closed: the file has an odd number of quotes", Location(shown),
                hint='a quote inside a cell is written twice: "5"" pipe"',
            )
        )  # fmt: skip
    return None, plain


def _wrong(shown: str, message: str, at: int, expected: str) -> DataError:
    return DataError(
        Problem(
            "wrong-encoding", f"{message} (byte {at})" if "byte" not in message else message, Location(shown),
            expected, "save the file as CSV UTF-8",
        )
    )  # fmt: skip
