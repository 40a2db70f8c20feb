"""One edition of a table is stored whole and once; a source with a wrong row leaves everything as it was."""

import datetime as dt
import io

import pytest
from django.core.management import CommandError, call_command

from catalog.choices import MceList, Origin, TableKind
from catalog.errors import LoadRefused, NoLoader, RowError
from catalog.loaders import registry
from catalog.loaders.delivery import Delivery, Stated
from catalog.loaders.table_rows import IndexRow, MceRow, MueRow, Remark
from catalog.loaders.table_store import TableSource, load_table
from catalog.models import IndexEntry, MceEntry, MueEntry, TableEdition

pytestmark = pytest.mark.django_db

MUE = (MueRow("99213", 1, "3", "Clinical: Data"), MueRow("J1885", 8, "1"))
INDEX = (
    IndexRow(0, "Diabetes, diabetic", "(mellitus) (sugar)", ("E11.9",)),
    IndexRow(1, "type 2"),
    IndexRow(2, "with"),
    IndexRow(3, "chronic kidney disease", codes=("E11.22",)),
    IndexRow(0, "Nephropathy", see_also="Nephritis"),
)


def source(*rows, **changes):
    values = {
        "kind": TableKind.MUE,
        "name": "practitioner",
        "edition": "2026 Q4",
        "valid_from": dt.date(2026, 10, 1),
        "valid_to": dt.date(2026, 12, 31),
        "source": "mue.csv",
        "fingerprint": "a" * 64,
        "read": lambda: iter(rows),
    }
    return TableSource(**{**values, **changes})


def test_rows_are_stored_under_their_edition():
    result = load_table(source(*MUE, Remark("1 line was left out")))
    edition = result.edition
    assert result.already_loaded is False
    assert str(edition) == "Medically unlikely edits practitioner, 2026 Q4"
    assert (edition.row_count, edition.remarks, edition.origin) == (
        2,
        ["1 line was left out"],
        Origin.PUBLISHED,
    )
    stored = MueEntry.objects.filter(edition=edition).order_by("code")
    assert list(stored.values_list("code", "units", "mai", "rationale")) == [
        ("99213", 1, "3", "Clinical: Data"),
        ("J1885", 8, "1", ""),
    ]


def test_a_column_named_like_an_sql_word_is_stored():
    load_table(source(MceRow(MceList.FEMALE, "N80.00"), kind=TableKind.MCE, name=""))
    assert list(MceEntry.objects.values_list("list", "system", "code", "group")) == [
        ("female", "icd10cm", "N80.00", "")
    ]


def test_the_same_source_is_found_again_and_another_stands_beside_it():
    first = load_table(source(*MUE)).edition
    again = load_table(source(*MUE, edition="other words"))
    assert (again.already_loaded, again.edition, again.edition.edition) == (True, first, "2026 Q4")
    load_table(source(*MUE, name="outpatient_hospital"))
    load_table(source(MUE[0], fingerprint="b" * 64))
    assert TableEdition.objects.count() == 3
    assert MueEntry.objects.count() == 5
    newest = TableEdition.objects.usable(TableKind.MUE, "practitioner").first()
    assert newest.source_hash == "b" * 64


def test_every_wrong_row_is_named_and_nothing_is_stored():
    bad = (RowError("mue.csv", "units 'x' is no number", 3), RowError("mue.csv", "no code", 5))
    with pytest.raises(LoadRefused) as caught:
        load_table(source(MUE[0], bad[0], MUE[1], bad[1]))
    assert str(caught.value) == "mue.csv, line 3: units 'x' is no number"
    assert caught.value.errors == bad
    assert (TableEdition.objects.count(), MueEntry.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((), "mue.csv: the source holds no row"),
        (
            (MUE[0], MueRow("123456", 1, "1")),
            r"value too long for type character varying\(5\) \(COPY catalog_mueentry, line 2",
        ),
        (
            (MUE[0], MUE[1], MUE[0]),
            r"a row cannot be stored: Key .*99213.* already exists\. \(COPY .*, line 3\)",
        ),
    ],
)
def test_rows_that_cannot_be_stored_change_nothing(rows, said):
    with pytest.raises(LoadRefused, match=said):
        load_table(source(*rows))
    assert (TableEdition.objects.count(), MueEntry.objects.count()) == (0, 0)


def test_an_edition_that_ends_before_it_begins_is_refused():
    with pytest.raises(LoadRefused, match="would end before it begins"):
        load_table(source(*MUE, valid_to=dt.date(2026, 9, 30)))
    assert TableEdition.objects.count() == 0


def test_index_lines_know_the_lines_above_them():
    edition = load_table(source(*INDEX, kind=TableKind.INDEX, name="")).edition
    lines = list(IndexEntry.objects.of(edition))
    assert [(line.position, line.depth, line.full_term) for line in lines] == [
        (0, 0, "Diabetes, diabetic"),
        (1, 1, "Diabetes, diabetic, type 2"),
        (2, 2, "Diabetes, diabetic, type 2, with"),
        (3, 3, "Diabetes, diabetic, type 2, with, chronic kidney disease"),
        (4, 0, "Nephropathy"),
    ]
    assert [line.parent_id for line in lines] == [None, lines[0].pk, lines[1].pk, lines[2].pk, None]
    assert (lines[0].nonessential, lines[0].codes, lines[4].see_also) == (
        "(mellitus) (sugar)",
        ["E11.9"],
        "Nephritis",
    )
    found = IndexEntry.objects.filter(edition=edition, search="kidney & diabetes")
    assert [line.codes for line in found] == [["E11.22"]]
    assert [line.term for line in IndexEntry.objects.below(lines[0])] == ["type 2"]


def test_an_index_line_without_one_above_is_refused():
    with pytest.raises(LoadRefused, match="'with' has no line above it at its level"):
        load_table(source(INDEX[0], INDEX[2], kind=TableKind.INDEX, name=""))
    assert (TableEdition.objects.count(), IndexEntry.objects.count()) == (0, 0)


def test_progress_is_reported_to_the_end():
    said = []
    load_table(source(*MUE), lambda phase, done, total: said.append((phase, done, total)))
    assert said == [("writing", 2, 2)]


@pytest.fixture
def mue_format(monkeypatch):
    """A format of one line a row, as a loader module would register it."""

    def open_table(delivery: Delivery, stated: Stated) -> TableSource:
        def read():
            with delivery.text(delivery.names[0]) as lines:
                for number, line in enumerate(lines, start=1):
                    code, _, units = line.strip().partition(",")
                    if units.isdigit():
                        yield MueRow(code, int(units), "1")
                    else:
                        yield RowError(delivery.names[0], f"units {units!r} is no number", number)

        return source(
            read=read,
            name=stated.name,
            edition=stated.edition,
            valid_from=stated.valid_from,
            valid_to=stated.valid_to,
            source=delivery.names[0],
            fingerprint=delivery.fingerprint(*delivery.names),
        )

    line = registry.TableFormat(
        TableKind.MUE, lambda delivery: "," in delivery.head(delivery.names[0]), open_table
    )
    monkeypatch.setattr(registry, "TABLE_FORMATS", (line,))


def run(*args):
    out = io.StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def test_the_command_loads_a_table_and_status_lists_it(mue_format, tmp_path):
    file = tmp_path / "mue.txt"
    file.write_text("99213,1\nJ1885,8\n")
    stated = ("--edition", "2026 Q4", "--valid-from", "2026-10-01", "--name", "practitioner")
    said = run("load_catalog", "mue", str(file), *stated)
    assert said.startswith("Medically unlikely edits practitioner, 2026 Q4: 2 rows in ")
    assert "already loaded" in run("load_catalog", "mue", str(file), *stated)
    status = run("catalog_status")
    number = TableEdition.objects.get(kind=TableKind.MUE).pk
    assert (
        f"Medically unlikely edits practitioner, 2026 Q4\n  number    table {number}\n"
        "  valid     2026-10-01 to open end\n"
    ) in status
    assert "  counts    2 rows\n  source    mue.txt (" in status


def test_the_command_names_every_wrong_row(mue_format, tmp_path):
    file = tmp_path / "mue.txt"
    file.write_text("99213,1\nJ1885,x\nJ1886,y\n")
    with pytest.raises(CommandError) as caught:
        call_command("load_catalog", "mue", str(file), "--valid-from", "2026-10-01")
    assert str(caught.value) == (
        "mue.txt, line 2: units 'x' is no number\nmue.txt, line 3: units 'y' is no number\nNothing was stored."
    )
    assert TableEdition.objects.count() == 0


def test_a_file_that_no_format_knows_is_refused(mue_format, tmp_path):
    file = tmp_path / "mue.txt"
    file.write_text("nothing known")
    with pytest.raises(NoLoader, match=r"No loader for mue reads mue\.txt\."):
        registry.open_table("mue", file)
    with pytest.raises(NoLoader, match="ncci has no built-in source; give a path"):
        registry.open_table("ncci")
    with pytest.raises(LoadRefused, match="the file cannot be read"):
        registry.open_table("mue", tmp_path / "absent")


def test_one_of_several_built_in_tables_is_named(monkeypatch):
    both = {"sdoh": lambda: source(name="sdoh"), "frailty": lambda: source(name="frailty")}
    monkeypatch.setitem(registry.BUILT_IN_TABLES, TableKind.VALUE_SET, both)
    assert registry.open_table("value_set", None, Stated(name="frailty")).name == "frailty"
    with pytest.raises(NoLoader, match=r"several built-in sources; name one of them: frailty, sdoh\."):
        registry.open_table("value_set")
