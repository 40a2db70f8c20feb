"""Sections of the Official Guidelines that checks cite, and with what each was compared.

A section is verified when its number was met beside what it says, in the guidelines' text or where it is quoted
with its number. The others are cited from working knowledge, and every finding that rests on one says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

GUIDELINES = "ICD-10-CM Official Guidelines"
_NUMBER = re.compile(r"\b(?:IV|I{1,3})\.[A-Z](?:\.\d+)?(?:\.[a-z])?(?:\.\d+)?(?:\.[a-z])?(?![\w.])")


@dataclass(frozen=True, slots=True)
class Section:
    """`says` in a few words; `compared`: the edition whose words were seen, empty where none were."""

    says: str
    compared: str = ""

    @property
    def verified(self) -> bool:
        return bool(self.compared)


SECTIONS: dict[str, Section] = {
    "I.A.4": Section("placeholder character X", "reprint, edition not named"),
    "I.A.5": Section("7th characters"),
    "I.A.12.a": Section("Excludes1", "FY2025"),
    "I.A.12.b": Section("Excludes2", "FY2025"),
    "I.A.13": Section("etiology and manifestation: code first, use additional code", "FY2025"),
    "I.A.15": Section("with: a causal relationship is presumed", "FY2027"),
    "I.A.17": Section("code also: two codes, no order"),
    "I.B.2": Section("level of detail: the highest number of characters", "FY2025"),
    "I.B.5": Section("conditions that are an integral part of a disease process", "FY2025"),
    "I.B.7": Section("multiple coding for a single condition", "FY2024"),
    "I.B.8": Section("acute and chronic: the acute code first", "FY2024"),
    "I.B.9": Section("combination codes", "FY2025"),
    "I.B.10": Section("sequela: its nature first, then the sequela code", "FY2025"),
    "I.B.12": Section("the same diagnosis code more than once"),
    "I.B.13": Section("laterality", "quoted, edition not named"),
    "I.B.14": Section("documentation by clinicians other than the patient's provider", "FY2019"),
    "I.B.18": Section("use of sign, symptom and unspecified codes", "FY2025"),
    "I.C.1.d": Section("sepsis, severe sepsis: the infection first, R65.2- never", "FY2025"),
    "I.C.1.d.4": Section(
        "sepsis present on admission before its localized infection", "quoted, edition not named"
    ),
    "I.C.2.e.2": Section("encounters solely for chemo-, immuno- or radiation therapy", "FY2026"),
    "I.C.4.a": Section("diabetes: as many codes of a category as are needed", "FY2021"),
    "I.C.4.a.3": Section("insulin, oral and injectable drugs against diabetes", "FY2021"),
    "I.C.9.a": Section("hypertension with heart or kidney disease", "FY2025"),
    "I.C.15.a.1": Section("codes of chapter 15 and sequencing priority", "quoted, edition not named"),
    "I.C.15.b.5": Section("outcome of delivery"),
    "I.C.15.n": Section("normal delivery: O80 alone, with Z37.0", "FY2021"),
    "I.C.19.e.5.a": Section("adverse effect: its nature first"),
    "I.C.19.e.5.b": Section("poisoning first, then its manifestations"),
    "I.C.19.e.5.c": Section("underdosing never first", "quoted, edition not named"),
    "I.C.19.e.5.d": Section("toxic effects"),
    "I.C.20.a.6": Section("external cause code never principal or first-listed", "FY2023"),
    "I.C.21.c.3": Section("status, body mass index among it"),
    "I.C.21.c.11": Section("obstetric Z codes: Z3A and its exceptions, Z34, Z37", "FY2026"),
    "I.C.21.c.16": Section("Z codes that are principal or first-listed only", "FY2024"),
    "III.B": Section("abnormal findings need the provider's word (inpatient)", "quoted in 2016 (FY2017)"),
    "IV.H": Section("uncertain diagnosis (outpatient)", "FY2026"),
}


def sections_of(citation: str) -> list[str]:
    """Section numbers named in a citation of the guidelines; none in a citation of anything else."""
    return _NUMBER.findall(citation) if GUIDELINES in citation else []


def unverified(citation: str) -> list[str]:
    """Those of its sections that were compared with nothing. Raises KeyError for one that SECTIONS lacks."""
    return [number for number in sections_of(citation) if not SECTIONS[number].verified]


def cited(citation: str) -> str:
    """The citation as it is shown: it says which of its sections is not verified."""
    open_ = unverified(citation)
    if not open_:
        return citation
    word = "section" if len(open_) == 1 else "sections"
    which = "" if open_ == sections_of(citation) else f" {', '.join(open_)}"
    return f"{citation} ({word}{which} not verified)"
