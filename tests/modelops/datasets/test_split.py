"""The split is the patient's alone: neither order nor company nor the name of anything else changes it."""

import hashlib
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from modelops.datasets.build import Gathered, Options, assemble
from modelops.datasets.split import SALT, TRAIN, VALIDATION, patient_key, position, split_of
from tests.generated import examples
from tests.modelops.datasets.made import example, tools

NAMES = st.lists(st.text("abcdef0123456789", min_size=1, max_size=12), min_size=1, max_size=12, unique=True)


def splits(names: list[str]) -> dict[str, str]:
    found = assemble(Gathered([example(name) for name in names], []), (), Options(augment=0), tools())
    return {row.example.id: row.split for row in found.rows}


# The first names in the order of their numbers whose patients are in validation, of 100.
IN_VALIDATION = [n for n in range(400) if split_of(patient_key("test", f"chart {n}")) == VALIDATION]


def test_the_position_is_the_hash_of_salt_and_key() -> None:
    key = patient_key("hospital", "P-17")
    assert key == hashlib.sha256(b"coding-review patient 1\x00hospital\x00P-17").hexdigest()
    digest = hashlib.sha256(f"{SALT}\x00{key}".encode()).digest()
    assert position(key) == int.from_bytes(digest[:8], "big") / 2**64


def test_known_patients_are_where_they_were() -> None:
    """Written down once: a change of the salt or of the share would move them."""
    assert IN_VALIDATION[:5] == KNOWN_VALIDATION


KNOWN_VALIDATION = [27, 54, 72, 136, 143]


def test_five_in_a_hundred_are_validation() -> None:
    keys = [patient_key("count", str(n)) for n in range(20_000)]
    share = sum(split_of(key) == VALIDATION for key in keys) / len(keys)
    assert 0.045 < share < 0.055


def test_two_systems_pseudonyms_are_two_patients() -> None:
    assert patient_key("a", "1") != patient_key("b", "1")


@examples(20)
@given(NAMES, st.randoms(use_true_random=False))
def test_neither_order_nor_company_changes_a_split(names: list[str], chance) -> None:
    train = [f"chart {n}" for n in range(8) if n not in IN_VALIDATION]
    together = splits([*train, *names])
    shuffled = [*train, *names]
    chance.shuffle(shuffled)
    assert splits(shuffled) == together
    fewer = [name for name in names if chance.random() < 0.5]
    alone = splits([*train, *fewer])
    assert all(together[name] == split for name, split in alone.items() if name in together)
    assert all(together[name] == split_of(patient_key("test", name)) for name in together)


@examples(12)
@given(st.integers(0, 30), st.integers(1, 3))
def test_no_patient_is_in_both_splits(patients: int, charts: int) -> None:
    made = [
        replace(example(f"p{who} chart {n}", patient=f"who {who}"))
        for who in range(patients + 2)
        for n in range(charts)
    ]
    made.append(example("sure", patient=f"chart {next(n for n in range(9) if n not in IN_VALIDATION)}"))
    rows = assemble(Gathered(made, []), (), Options(), tools()).rows
    patients_of = {
        split: {row.example.patient for row in rows if row.split == split} for split in (TRAIN, VALIDATION)
    }
    assert not patients_of[TRAIN] & patients_of[VALIDATION]
    # Both parts of a composite are of the training split.
    own = {row.example.id: row.split for row in rows if not row.example.composite}
    for row in rows:
        assert all(own[part] == TRAIN for part in row.example.parts)
