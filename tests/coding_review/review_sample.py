"""A review page of invented data, as the views would fill it: an inpatient stay half decided."""

from __future__ import annotations

from dataclasses import replace

from coding_review.web.finding import Finding, FindingsPanel
from coding_review.web.marked_text import DocumentText
from coding_review.web.review_page import (
    Alert,
    BandCount,
    Blocker,
    Card,
    ClaimTab,
    CodeSetPanel,
    DocumentEntry,
    Header,
    HistoryEvent,
    Lease,
    Option,
    Pick,
    Pickable,
    Place,
    Progress,
    ReviewPage,
    SetLine,
    SignOff,
)
from coding_review.web.segments import Span, marked_lines, sections, strip

TEXTS = (
    "Lakeside Regional, Hospital Medicine",
    "Admitted 5/2/2026 from home after a fall on the porch; discharged 5/8/2026 to skilled nursing.",
    "",
    "HOSPITAL COURSE",
    (
        "81M with known osteoporosis, slipped on wet boards from standing height. Films: displaced "
        "intertrochanteric fracture, right femur, through osteopenic bone."
    ),
    "ORIF with nail 5/3 (Varga), uncomplicated. No evidence of pneumonia on post-op film.",
    (
        "Creatinine rose 1.2 → 2.9 by POD2. Nephrology: AKI, likely ATN from hypotension in the OR, on top of CKD "
        "stage 3b. Peaked 3.1, 1.8 at discharge, no dialysis."
    ),
    (
        "Hgb 12.1 → 7.2; acute blood loss anemia, 2 units PRBC. Long-standing type 2 DM with nephropathy, glargine "
        "continued. 👍🏽 tolerated."
    ),
    (
        "Confused nights 3 and 4; delirium superimposed on his Alzheimer's dementia, cleared once oxycodone was "
        "stopped."
    ),
    "Na\t141\t138\t137",
    "K\t4.1\t5.0\t4.4",
    "",
    "PAST HISTORY",
    "HTN, T2DM 20 y, CKD 3b, Alzheimer's (dx 2021), osteoporosis, prostate CA 2011 s/p XRT, no recurrence.",
    "Mother: colon cancer. Never smoker.",
    "",
    "SOCIAL HISTORY",
    "Widower. Daughter moved in after the heat was shut off in February; two notices of disconnection since.",
    "",
    "DISCHARGE DIAGNOSES",
    "1. Right intertrochanteric hip fracture, osteoporotic, s/p nail",
    "2. AKI, probable ATN, recovering, on CKD 3b",
    "3. Acute blood loss anemia",
    "4. Delirium, resolved. Alzheimer's dementia, moderate",
    "5. T2DM, hypertension",
)

DOCUMENT = 501


def span(entry: int, line: int, words: str, state: str = "open", context: str = "") -> Span:
    start = TEXTS[line - 1].index(words)
    return Span(line, line, start, start + len(words), entry=entry, state=state, context=context)


SPANS = (
    span(11, 5, "Films: displaced intertrochanteric fracture, right femur", "done"),
    span(12, 6, "pneumonia", "no", "negated"),
    span(13, 7, "AKI, likely ATN from hypotension in the OR"),
    span(14, 7, "CKD stage 3b"),
    span(15, 8, "acute blood loss anemia"),
    span(16, 8, "type 2 DM with nephropathy"),
    span(14, 8, "nephropathy"),
    span(17, 9, "delirium superimposed on his Alzheimer's dementia"),
    span(0, 15, "colon cancer", context="family"),
    span(18, 18, "the heat was shut off in February"),
    span(13, 22, "AKI, probable ATN"),
)

POA = (
    Option("", "…"),
    Option("Y", "Y"),
    Option("N", "N", selected=True),
    Option("U", "U"),
    Option("W", "W"),
    Option("1", "exempt"),
)
ROLES = (
    Option("principal", "Principal", True),
    Option("secondary", "Secondary"),
    Option("admitting", "Admitting"),
)


def place(line: int, quote: str, document: int = DOCUMENT, label: str = "") -> Place:
    return Place(document=document, line=line, label=f"L{line}", quote=quote, document_label=label)


def card(id: int, code: str, title: str, band: str, confidence: str, *places: Place, **more: object) -> Card:
    values = {"state": "undecided", "version": 1, "poa_options": POA} | more
    return Card(
        id=id,
        code=code,
        system="icd10cm",
        system_label="ICD-10-CM",
        title=title,
        band=band,
        confidence=confidence,
        places=places,
        **values,  # type: ignore[arg-type]
    )


CARDS = (
    card(
        11,
        "M80.051A",
        "Age-related osteoporosis with current pathological fracture, right femur, initial encounter",
        "high",
        "0.94",
        place(5, "displaced intertrochanteric fracture, right femur"),
        state="accepted",
        outcome="principal, POA Y",
        version=2,
        role_options=ROLES,
    ),
    card(
        12,
        "J18.9",
        "Pneumonia, unspecified organism",
        "low",
        "0.31",
        place(6, "pneumonia"),
        state="rejected",
        outcome="context: negated",
        version=2,
    ),
    card(
        13,
        "N17.0",
        "Acute kidney failure with tubular necrosis",
        "high",
        "0.93",
        place(7, "AKI, likely ATN from hypotension in the OR"),
        place(22, "AKI, probable ATN"),
        place(14, "ATN after hypotension", 503, "Nephrology"),
        rationale="An uncertain diagnosis in the final statement of an inpatient stay is coded as established (II.H). "
        "Consultant and attending agree.",
        context=("uncertain",),
        findings=(
            Finding(
                "query",
                "Query?",
                "Onset after surgery: complication N99.0 needs the provider's link.",
                "I.B.16",
                "/codes/icd10cm/N99.0/",
            ),
        ),
        selected=True,
    ),
    card(
        14,
        "N18.32",
        "Chronic kidney disease, stage 3b",
        "high",
        "0.96",
        place(7, "CKD stage 3b"),
        place(8, "nephropathy"),
    ),
    card(15, "D62", "Acute posthemorrhagic anemia", "high", "0.95", place(8, "acute blood loss anemia")),
    card(
        16,
        "E11.21",
        "Type 2 diabetes mellitus with diabetic nephropathy",
        "medium",
        "0.74",
        place(8, "type 2 DM with nephropathy"),
    ),
    card(
        17,
        "F05",
        "Delirium due to known physiological condition",
        "medium",
        "0.71",
        place(9, "delirium superimposed on his Alzheimer's dementia"),
    ),
    card(
        18,
        "Z59.12",
        "Inadequate housing utilities",
        "low",
        "0.48",
        place(18, "the heat was shut off in February"),
    ),
)

DOCUMENTS = (
    DocumentEntry(DOCUMENT, "Discharge summary", "Dr. Okafor, attending, 8 May, signed", 9, current=True),
    DocumentEntry(502, "Operative note", "Dr. Varga, surgeon, 3 May, signed", 3, current=False),
    DocumentEntry(503, "Nephrology consult", "Dr. Bhatt, consultant, 4 May", 2, current=False),
    DocumentEntry(504, "Progress note", "Dr. Okafor, 5 May", 4, current=False),
    DocumentEntry(505, "Wound nurse", "RN, 5 May", 1, current=False, flag="new"),
    DocumentEntry(506, "Pathology", "pending, expected 11 May", 0, current=False),
)

PAGE = ReviewPage(
    encounter_id=17,
    claim_type="facility_inpatient",
    code_set_id=23,
    revision=5,
    header=Header(
        name="Bartholomew Lindqvist",
        sex_age="M 81",
        record_number="0041-77",
        stay="Inpatient, 2–8 May 2026",
        payer="Medicare",
        account_number="A20931",
        claim_tabs=(
            ClaimTab("facility_inpatient", "Facility inpatient", 1, current=True),
            ClaimTab("professional", "Professional", 1, current=False),
        ),
    ),
    lease=Lease(mine=True, line="yours until 14:32 · 6 min active"),
    documents=DOCUMENTS,
    document=DocumentText(
        id=DOCUMENT,
        type="Discharge summary",
        facts=f"8 May 2026 11:20, version 1, {len(TEXTS)} lines",
        lines=marked_lines(TEXTS, SPANS),
        sections=sections(TEXTS),
        strip=strip(SPANS, len(TEXTS)),
    ),
    cards=CARDS,
    bands=(BandCount("high", "High", 4), BandCount("medium", "Med", 2), BandCount("low", "Low", 2)),
    code_set=CodeSetPanel(
        lines=(
            SetLine(
                entry=11,
                version=2,
                sequence=1,
                system="icd10cm",
                system_label="ICD-10-CM",
                code="M80.051A",
                title="Age-related osteoporosis with current pathological fracture, right femur, initial encounter",
                role_label="Principal",
                role_options=ROLES,
                poa_label="Y",
                poa_options=POA,
                first=True,
                last=True,
            ),
        ),
        procedure_systems=(Option("icd10pcs", "ICD-10-PCS"),),
        release="ICD-10-CM FY2026, April 2026",
    ),
    progress=Progress(
        decided=2,
        total=8,
        coded=1,
        rejected=1,
        low=1,
        blockers=(Blocker("5 undecided", "suggestions"), Blocker("1 POA", "codes")),
        can_undo="Rejected J18.9",
    ),
    sign_off=SignOff(
        statement="I have reviewed the documents of this encounter and these codes reflect them.",
        signer="J. Castellanos, CCS",
        can_sign=True,
    ),
    findings=FindingsPanel(open=(CARDS[2].findings[0],)),
    history=(HistoryEvent("8 May 14:02", "J. Castellanos", "Rejected", "J18.9, context: negated"),),
    hold_reasons=(Option("provider_query", "Query to provider"), Option("pending_result", "Result pending")),
    skip_reasons=(Option("not_my_specialty", "Not my specialty"),),
)

PICK = Pick(
    purpose="modify",
    query="",
    entry=16,
    version=1,
    from_code="E11.21",
    results=(
        Pickable(
            "icd10cm", "E11.22", "Type 2 diabetes mellitus with diabetic chronic kidney disease", "sibling"
        ),
        Pickable(
            "icd10cm", "E11.2", "Type 2 diabetes mellitus with kidney complications", "parent", billable=False
        ),
        Pickable("icd10cm", "N18.32", "Chronic kidney disease, stage 3b", "title", present=True),
    ),
)

LATE = Alert(4, "Addendum of 11 May touches 2 codes.", 507)


def with_card(id: int, **changes: object) -> ReviewPage:
    """The page with one card changed and selected."""
    cards = tuple(
        replace(c, **{"selected": True} | changes) if c.id == id else replace(c, selected=False)  # type: ignore[arg-type]
        for c in PAGE.cards
    )
    return replace(PAGE, cards=cards)
