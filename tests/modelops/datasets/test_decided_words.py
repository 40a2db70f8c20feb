"""What a site decided of words that may be names: read, written, and gone by."""

from pathlib import Path

import pytest

from modelops.datasets.decided_words import BadDecidedWords, DecidedWords, read_decided, write_open
from modelops.datasets.identifiers import Known, Recognizer
from modelops.datasets.ordinary_words import OrdinaryWords

LINE = "Zorblex 5 mg given, Quorra agrees."
DECIDED = DecidedWords({"zorblex": "ordinary", "quorra": "name", "later": "?"})


def recognizer(decided: DecidedWords | None = None) -> Recognizer:
    return Recognizer(Known(), OrdinaryWords.learned([], ["given", "agrees"], decided=decided))


def test_words_that_nobody_knows_are_in_doubt() -> None:
    spans, doubts = recognizer().find(LINE)
    assert (spans, doubts) == ([], ["possible_name", "possible_name"])
    assert recognizer().doubtful_words(LINE) == ["Zorblex", "Quorra"]


def test_what_was_decided_is_gone_by() -> None:
    spans, doubts = recognizer(DECIDED).find("Zorblex 5 mg given, Quorra's agrees.")
    assert doubts == []
    assert [(span.kind, span.text) for span in spans] == [("name", "Quorra")]


def test_a_name_that_charts_write_small_is_no_ordinary_word() -> None:
    texts = [("one", "quorra agrees"), ("two", "quorra agrees")]
    assert "quorra" in OrdinaryWords.learned(texts)
    assert "quorra" not in OrdinaryWords.learned(texts, decided=DECIDED)


def test_no_file_decides_nothing(tmp_path: Path) -> None:
    assert read_decided(tmp_path / "none.tsv") == DecidedWords()
    assert DecidedWords().sha256 == DecidedWords({"later": "?"}).sha256 == ""


def test_decisions_stay_and_words_of_most_charts_come_first(tmp_path: Path) -> None:
    path = tmp_path / "inside" / "words.tsv"
    assert write_open(path, DecidedWords(), {"quorra": 1, "zorblex": 3, "abc": 3}) == 3
    rows = [line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#")]
    assert rows == [["abc", "?", "3"], ["zorblex", "?", "3"], ["quorra", "?", "1"]]
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text(path.read_text().replace("quorra\t?", "Quorra\tName"))
    decided = read_decided(path)
    assert decided.of("name") == {"quorra"}
    assert write_open(path, decided, {"zorblex": 2}) == 1
    again = read_decided(path)
    assert again.words == {"zorblex": "?", "quorra": "name"}
    assert again.sha256 == decided.sha256 != ""
    assert [entry.name for entry in path.parent.iterdir()] == ["words.tsv"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("quorra\n", "line 1: a word"),
        ("# head\nquorra\tperson\t1\n", "line 2: a word"),
        ("\tname\t1\n", "line 1: a word"),
        ("quorra\tname\nQUORRA\tordinary\n", "line 2: the word is decided otherwise"),
        (b"\xff\tname\n", "not UTF-8"),
    ],
)
def test_a_bad_line_is_told_by_its_place_and_without_its_word(
    tmp_path: Path, text: str | bytes, where: str
) -> None:
    path = tmp_path / "words.tsv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadDecidedWords, match=where) as raised:
        read_decided(path)
    assert "quorra" not in str(raised.value).casefold()
