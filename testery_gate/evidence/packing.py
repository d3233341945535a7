"""The outcomes of the tests of a run as few bytes, which are quick to read."""

from __future__ import annotations

import json
import zlib

from testery_gate.evidence.outcomes import Outcomes, TestId, TestOutcome

MOST_TEXT = 256 * 1024 * 1024
"""Bytes before they are compressed; the largest answer of the API takes fewer."""

_LETTERS = {outcome.value: outcome for outcome in TestOutcome}


def packed(outcomes: Outcomes) -> bytes:
    """Return the outcomes as compressed JSON.

    For each file there is a text with one letter for each of its tests, and then their names.
    """
    letters: dict[str, list[str]] = {}
    names: dict[str, list[str]] = {}
    for (file, name), outcome in outcomes.items():
        letters.setdefault(file, []).append(outcome.value)
        names.setdefault(file, []).append(name)
    files = {file: ["".join(letters[file]), *names[file]] for file in names}
    # ASCII, so that every text can be encoded.
    return zlib.compress(json.dumps(files, separators=(",", ":")).encode(), level=1)


def unpacked(data: bytes, most_text: int = MOST_TEXT) -> Outcomes | None:
    """Return the outcomes that were packed; ``None`` for other or too many bytes."""
    try:
        decompressor = zlib.decompressobj()
        text = decompressor.decompress(data, most_text)
        if not decompressor.eof:
            return None
        return {
            TestId(file, name): _LETTERS[letter]
            for file, (letters, *names) in json.loads(text).items()
            for letter, name in zip(letters, names, strict=True)
        }
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
