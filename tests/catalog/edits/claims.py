"""Claims as a coder would send them: correct by the guidelines, of the kinds a hospital and its clinics see every day.

What the code edits say to them is what a coder reads all day. A claim lists what it is still told; most are told
nothing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from catalog.choices import ClaimType
from catalog.edits.types import CodeLine

STAY = str(ClaimType.FACILITY_INPATIENT.value)
VISIT = str(ClaimType.PROFESSIONAL.value)
OUTPATIENT = str(ClaimType.FACILITY_OUTPATIENT.value)
# A check and the codes that it names.
Told = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Claim:
    """Codes in the order of the claim, the first diagnosis principal or first-listed; POA Y where none is said.

    `N:` before a code: not present on admission. `cpt:`, `hcpcs:` and `pcs:` name procedures, with modifiers behind
    a dash.
    """

    kind: str
    codes: str
    facts: dict[str, Any] = field(default_factory=dict)
    told: tuple[Told, ...] = ()

    def lines(self, exempt: frozenset[str]) -> list[CodeLine]:
        made: list[CodeLine] = []
        for number, word in enumerate(self.codes.split(), start=1):
            prefix, _, rest = word.rpartition(":")
            code, *modifiers = rest.split("-")
            if prefix in SYSTEMS:
                line = CodeLine(code, SYSTEMS[prefix], number, modifiers=tuple(modifiers))
            else:
                poa = "" if self.kind != STAY else "1" if code.startswith(tuple(exempt)) else prefix or "Y"
                made_first = "principal" if self.kind == STAY else "first_listed"
                line = CodeLine(code, sequence=number, role=made_first if number == 1 else "", poa=poa)
            made.append(line)
        return made


SYSTEMS = {"cpt": "cpt", "hcpcs": "hcpcs", "pcs": "icd10pcs"}
DAY = dt.date(2026, 6, 9)
NEWBORN = {"age_years": 0, "age_days": 0}

CLAIMS: dict[str, Claim] = {
    # Medicine
    "pneumonia in COPD": Claim(
        STAY, "J18.9 J44.0 J44.1 J96.01 I10 Z87.891", told=(("excludes2", ("J44.0", "J44.1")),)
    ),
    "lobar pneumonia": Claim(STAY, "J18.1 E86.0 I10 E03.9"),
    "sepsis from a urinary tract infection": Claim(STAY, "A41.51 R65.20 N39.0 N17.9 I10"),
    "pneumonia, sepsis later in the stay": Claim(STAY, "J18.9 N:A41.9 I10"),
    "infarction without ST elevation": Claim(STAY, "I21.4 I25.10 I10 E78.5 F17.210"),
    "heart failure, hypertension, kidney disease": Claim(STAY, "I13.0 I50.33 N18.31 E11.22 Z79.4"),
    "heart failure without hypertension": Claim(STAY, "I50.23 I25.5 I25.2 Z95.810"),
    "embolic stroke": Claim(
        STAY, "I63.412 G81.91 R47.01 R29.708 I48.91 I10 Z79.01", told=(("excludes2", ("I63.412", "I10")),)
    ),
    "aspiration pneumonia after a stroke": Claim(STAY, "J69.0 I69.391 R13.12 J96.01"),
    "ketoacidosis, insulin not taken": Claim(STAY, "E10.10 T38.3X6A Z91.148 E86.0"),
    "alcohol withdrawal": Claim(STAY, "F10.231 K70.30 E87.1"),
    "bleeding on warfarin": Claim(STAY, "K92.2 D68.32 T45.515A D62 I48.20 Z79.01"),
    "diabetic foot ulcer": Claim(STAY, "E11.621 L97.513 E11.42 Z79.4"),
    "COVID-19 pneumonia": Claim(STAY, "U07.1 J12.82 J96.01 E11.9 Z79.84"),
    "overdose of acetaminophen": Claim(STAY, "T39.1X2A K72.00 F33.2"),
    "dementia with agitation": Claim(STAY, "G30.1 F02.B11 I10"),
    "pyelonephritis": Claim(STAY, "N10 B96.20 E11.65 Z79.84"),
    "pulmonary embolism": Claim(STAY, "I26.99 I82.411 Z79.01", told=(("excludes2", ("I26.99", "I82.411")),)),
    # Surgery
    "knee replacement": Claim(STAY, "M17.11 I10 E66.811 Z68.32 pcs:0SRC0J9"),
    "appendectomy": Claim(STAY, "K35.80 pcs:0DTJ4ZZ"),
    "hip fracture after a fall": Claim(STAY, "S72.001A W18.30XA Y92.013 I10"),
    "gallstones with acute cholecystitis": Claim(STAY, "K80.00 E78.5 pcs:0FT44ZZ"),
    # Oncology
    "neutropenic fever": Claim(STAY, "D70.1 R50.81 T45.1X5A C50.411 Z17.0"),
    "chemotherapy": Claim(OUTPATIENT, "Z51.11 C50.411 C77.3 Z17.0 cpt:96413"),
    "immunotherapy": Claim(OUTPATIENT, "Z51.12 C34.11 C79.31 Z87.891 cpt:96413"),
    "radiation": Claim(OUTPATIENT, "Z51.0 C61"),
    "pain of bone metastases": Claim(VISIT, "G89.3 C79.51 C34.11 cpt:99214"),
    "anemia in neoplastic disease": Claim(STAY, "C18.2 D63.0 C78.7"),
    "after cancer": Claim(VISIT, "Z08 Z85.3 cpt:99213"),
    # Obstetrics and newborn
    "normal delivery": Claim(STAY, "O80 Z3A.39 Z37.0"),
    "repeat cesarean": Claim(STAY, "O34.211 Z3A.39 Z37.0"),
    "delivery, gestational diabetes, laceration": Claim(STAY, "O24.420 O70.1 Z3A.38 Z37.0"),
    "severe pre-eclampsia before delivery": Claim(STAY, "O14.13 Z3A.34"),
    "anemia in pregnancy": Claim(VISIT, "O99.012 D50.9 Z3A.22 cpt:99213"),
    "prenatal visit": Claim(VISIT, "Z34.02"),
    "newborn": Claim(STAY, "Z38.00 P59.9 Z23", NEWBORN),
    "preterm newborn": Claim(STAY, "Z38.01 P07.17 P07.36 P22.0", NEWBORN),
    # Emergency department
    "wrist fracture": Claim(OUTPATIENT, "S52.501A W01.0XXA Y92.480 cpt:99283"),
    "cut finger": Claim(OUTPATIENT, "S61.211A W26.0XXA Z23 cpt:12001"),
    "chest pain": Claim(OUTPATIENT, "R07.9 I10 cpt:93005"),
    "sprained ankle": Claim(OUTPATIENT, "S93.401A X50.1XXA"),
    "concussion": Claim(OUTPATIENT, "S06.0X0A V43.52XA Y92.410", told=(("excludes1_unread", ("S06.0X0A",)),)),
    "scald": Claim(OUTPATIENT, "T22.211A T31.0 X12.XXXA Y92.010"),
    "asthma attack": Claim(OUTPATIENT, "J45.41", {"age_years": 9}),
    "kidney stone": Claim(OUTPATIENT, "N20.1 R31.9"),
    # Offices and clinics
    "diabetes, hypertension, lipids": Claim(VISIT, "E11.9 I10 E78.5 Z79.84 cpt:99214"),
    "kidney disease with anemia": Claim(VISIT, "I12.9 N18.32 D63.1"),
    "dialysis": Claim(OUTPATIENT, "I12.0 N18.6 E11.22 Z99.2 Z79.4"),
    "yearly examination": Claim(VISIT, "Z00.00 I10 E78.5", told=(("excludes1_unread", ("Z00.00",)),)),
    "well child": Claim(VISIT, "Z00.129 Z23", {"age_years": 4}),
    "cold": Claim(VISIT, "J06.9"),
    "cystitis": Claim(VISIT, "N30.00 B96.20"),
    "urinary tract infection, no culture": Claim(VISIT, "N39.0"),
    "strep throat": Claim(VISIT, "J02.0"),
    "COPD, smoker": Claim(VISIT, "J44.9 F17.210 cpt:99213"),
    "COPD, never smoked": Claim(VISIT, "J44.9"),
    "depression and anxiety": Claim(VISIT, "F33.1 F41.1"),
    "low back pain": Claim(VISIT, "M54.50"),
    "obesity": Claim(VISIT, "E66.813 Z68.41 I10"),
    "fracture, healing": Claim(VISIT, "S52.501D"),
    "knee pain years after a fracture": Claim(VISIT, "M25.561 S82.101S"),
    "aftercare of a knee replacement": Claim(
        VISIT, "Z47.1 Z96.651", told=(("excludes1_unread", ("Z47.1",)),)
    ),
    "cataract surgery": Claim(OUTPATIENT, "H25.11 cpt:66984-RT"),
    "screening colonoscopy with a polyp": Claim(
        OUTPATIENT, "Z12.11 D12.3 cpt:45385", told=(("excludes1_unread", ("Z12.11",)),)
    ),
    "atrial fibrillation": Claim(VISIT, "I48.91 I10 Z79.01"),
}
