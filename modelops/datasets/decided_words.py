"""What a site decided of words that may be names and may not: a file, a line a word.

`word<TAB>ordinary|name|?<TAB>charts`; `?` is not decided yet, and so is a word that has no line. Lines that begin with
# say something to the reader. The file holds names of people: it stays where the charts are.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelops.errors import ModelopsError

ORDINARY, NAME, OPEN = "ordinary", "name", "?"

_HEAD = (
    "# Words of charts that may be names. Second column: ordinary (stays as it is), name (another takes its\n"
    "# place) or ? (not decided: charts that hold it are refused). Third: in how many charts.\n"
    "# Names of people: this file stays inside.\n"
)


class BadDecidedWords(ModelopsError):
    """The message says where, and holds no word of the file."""

    code = "bad_decided_words"


@dataclass(frozen=True, slots=True)
class DecidedWords:
    """`words`: small letters to decision. `sha256` of what was decided, whatever the order; empty where nothing was."""

    words: Mapping[str, str] = field(default_factory=dict, repr=False)

    def of(self, decision: str) -> frozenset[str]:
        return frozenset(word for word, decided in self.words.items() if decided == decision)

    @property
    def sha256(self) -> str:
        decided = sorted(f"{word}\t{what}\n" for word, what in self.words.items() if what != OPEN)
        return hashlib.sha256("".join(decided).encode()).hexdigest() if decided else ""


def read_decided(path: Path) -> DecidedWords:
    """Nothing decided where there is no file. Raises BadDecidedWords, OSError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return DecidedWords()
    except UnicodeDecodeError as error:
        raise BadDecidedWords(f"{path.name} is not UTF-8.") from error
    words: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        word, _, rest = line.partition("\t")
        decision = rest.partition("\t")[0].strip().casefold()
        folded = word.strip().casefold()
        if not folded or decision not in (ORDINARY, NAME, OPEN):
            raise BadDecidedWords(
                f"{path.name}, line {number}: a word, a tab, and ordinary, name or ? are expected."
            )
        if words.setdefault(folded, decision) != decision:
            raise BadDecidedWords(f"{path.name}, line {number}: the word is decided otherwise further up.")
    return DecidedWords(words)


def write_open(path: Path, decided: DecidedWords, charts: Mapping[str, int]) -> int:
    """What is decided stays; words in doubt follow, those of most charts first. How many they are.

    `charts`: word to the number of charts that hold it. Readable by its owner alone. Raises OSError.
    """
    waiting = sorted(
        ((count, word) for word, count in charts.items() if decided.words.get(word, OPEN) == OPEN),
        key=lambda each: (-each[0], each[1]),
    )
    settled = sorted((word, what) for word, what in decided.words.items() if what != OPEN)
    lines = [f"{word}\t{OPEN}\t{count}\n" for count, word in waiting]
    lines += [f"{word}\t{what}\t{charts.get(word, '')}\n" for word, what in settled]
    path.parent.mkdir(parents=True, exist_ok=True)
    # Of mode 0600, and whole or not at all.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("".join((_HEAD, *lines)))
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return len(waiting)
