"""Descriptions lead to procedures as they do to diagnoses: the same search, over the release of any system."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.choices import CodeSystem
from catalog.loaders.registry import open_source
from catalog.loaders.store import load
from catalog.search import search
from tests.catalog.procedure_files import hcpcs_file, pcs_folder

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("lap chole", "47562"),
        ("laparoscopic cholecystectomy", "47562"),
        ("gallbladder removal", "47562"),
        ("colonoscopy with biopsy", "45380"),
        ("knee injection", "20610"),
        ("47562", "47562"),
        ("4756", "47562"),
        ("skin punch", "11104"),
        ("ear wax", "69210"),
    ],
)
def test_words_and_codes_lead_to_the_procedure(cpt_sample, query, code):
    found = search(cpt_sample, query)
    assert found[0].code == code
    assert found[0].title.endswith("(sample, not for billing)")
    assert found[0].billable


def test_the_other_systems(tmp_path: Path):
    hcpcs = load(open_source(CodeSystem.HCPCS, hcpcs_file(tmp_path))).release
    pcs = load(open_source(CodeSystem.ICD10PCS, pcs_folder(tmp_path))).release
    assert [hit.code for hit in search(hcpcs, "crutch")] == ["A0002"]
    assert [hit.code for hit in search(pcs, "gallbladder open resection")][:1] == ["0FT40ZZ"]
    assert [hit.code for hit in search(pcs, "0FT4")] == ["0FT40ZZ", "0FT44ZZ"]
