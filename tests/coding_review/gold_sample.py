"""Pages of a gold project of invented data, as the views would fill them: a reading, an adjudication, a project."""

from __future__ import annotations

from coding_review.web.gold_page import ADDED as ADDED_LOOK
from coding_review.web.gold_page import (
    BY_RULING,
    BY_VERDICT,
    AdjudicationPage,
    Contested,
    ContestedGroup,
    GoldCard,
    Overruled,
    OverruledPage,
    ReaderColumn,
    ReadingPage,
    Said,
)
from coding_review.web.gold_project_page import (
    ChartRow,
    CodebookRow,
    Fact,
    Figure,
    FigureGroup,
    ProjectPage,
    ProjectRow,
    ProjectsPage,
    ReaderRow,
    SetPage,
    SetRow,
    SetsPage,
    Step,
    TombstoneRow,
)
from coding_review.web.marked_text import DocumentText
from coding_review.web.review_page import DocumentEntry, Option, Place
from coding_review.web.segments import Span, marked_lines, sections, strip

TEXTS = (
    "HOME VISIT, geriatrics",
    "84 F seen at home with her niece present.",
    "",
    "FUNCTION",
    "Lives alone on the third floor, no elevator. Uses a rollator indoors, furniture-walks to the bath.",
    "Two falls since Easter, neither with injury; afraid to go out now.",
    'Weight 47 kg, was 54 in January. Eating "like a bird", Ensure when her niece brings it.',
    "Grip weak both hands, chair stand not possible without arms. TUG 24 s.",
    "",
    "IMPRESSION",
    "Age-related physical debility, protein-calorie malnutrition to be assessed by dietitian.",
)
DOCUMENT = 701


def span(entry: int, line: int, words: str, state: str = "open") -> Span:
    start = TEXTS[line - 1].index(words)
    return Span(line, line, start, start + len(words), entry=entry, state=state)


def place(line: int, quote: str) -> Place:
    return Place(document=DOCUMENT, line=line, label=f"L{line}", quote=quote)


SPANS = (
    span(21, 6, "Two falls since Easter, neither with injury", "done"),
    span(22, 11, "protein-calorie malnutrition to be assessed"),
    span(23, 11, "Age-related physical debility", "no"),
    span(-31, 7, "Weight 47 kg, was 54 in January", "done"),
)
TEXT = DocumentText(
    id=DOCUMENT,
    type="Home visit",
    facts="14 Jun 2026 10:20, version 1, 11 lines",
    lines=marked_lines(TEXTS, SPANS),
    sections=sections(TEXTS),
    strip=strip(SPANS, len(TEXTS)),
)
DOCUMENTS = (
    DocumentEntry(
        id=DOCUMENT, type="Home visit", byline="physician, 14 Jun, signed", evidence=4, current=True
    ),
)


def label(id: int, code: str, title: str, where: Place, **more: object) -> GoldCard:
    url = f"/gold/reading/5/labels/{id}/"
    return GoldCard(id=id, code=code, system="icd10cm", title=title, places=(where,), decide_url=url, **more)  # type: ignore[arg-type]


FALLS = label(
    21,
    "Z91.81",
    "History of falling",
    place(6, "Two falls since Easter, neither with injury"),
    verdict="approve",
    comment="two in three months",
)
MALNUTRITION = label(
    22,
    "E46",
    "Unspecified protein-calorie malnutrition",
    place(11, "protein-calorie malnutrition to be assessed"),
    selected=True,
)
DEBILITY = label(
    23,
    "R54",
    "Age-related physical debility",
    place(11, "Age-related physical debility"),
    verdict="reject",
    outcome="rule violation: integral symptom",
)
LOSS = GoldCard(
    id=-31,
    code="R63.4",
    system="icd10cm",
    title="Abnormal weight loss",
    places=(place(7, "Weight 47 kg, was 54 in January"),),
    decide_url="/gold/reading/5/additions/31/withdraw/",
)
READING = ReadingPage(
    project_id=3,
    project="Frailty, June",
    reading_id=5,
    chart_line="chart 38 of 100, home visit, F 84",
    lease_line="yours until 14:32",
    mode="approve_and_add",
    mode_line="Judge each label from the text alone, then add what is missing.",
    guideline="Frailty codebook, version 2",
    documents=DOCUMENTS,
    document=TEXT,
    cards=(FALLS, MALNUTRITION, DEBILITY, LOSS),
    pick_url="/gold/reading/5/pick/",
    add_url="/gold/reading/5/add/",
    control_url="/gold/reading/5/labels/0/",
)

APPROVE, REJECT, QUERY = BY_VERDICT["approve"], BY_VERDICT["reject"], BY_VERDICT["undecidable"]
ADJUDICATION = AdjudicationPage(
    project_id=3,
    project="Frailty, June",
    adjudication_id=8,
    chart_line="chart 38 of 100, readings by reader 1 (coder) and reader 2 (clinician)",
    agreement_line="agreement so far: positive 0.91, negative 0.84, AC1 0.86",
    readers=(ReaderColumn("Reader 1", "coder"), ReaderColumn("Reader 2", "clinician")),
    groups=(
        ContestedGroup(
            "Conflicts",
            (
                Contested(
                    id=1,
                    system="icd10cm",
                    code="Z91.81",
                    title="History of falling",
                    places=FALLS.places,
                    said=(Said("Reader 1", APPROVE), Said("Reader 2", REJECT, "historical: no fall today")),
                    selected=True,
                ),
                Contested(
                    id=2,
                    system="icd10cm",
                    code="E46",
                    title="Unspecified protein-calorie malnutrition",
                    places=MALNUTRITION.places,
                    said=(Said("Reader 1", REJECT, "uncertain, outpatient"), Said("Reader 2", QUERY)),
                ),
            ),
        ),
        ContestedGroup(
            "Listed by one reader",
            (
                Contested(
                    id=3,
                    system="icd10cm",
                    code="R63.4",
                    title="Abnormal weight loss",
                    places=LOSS.places,
                    said=(Said("Reader 1", ADDED_LOOK), Said("Reader 2", None)),
                ),
            ),
        ),
        ContestedGroup(
            "Agreed, drawn for a look",
            (
                Contested(
                    id=4,
                    system="icd10cm",
                    code="R54",
                    title="Age-related physical debility",
                    places=DEBILITY.places,
                    said=(Said("Reader 1", APPROVE), Said("Reader 2", APPROVE)),
                    ruling="keep",
                    comment="documented as the diagnosis",
                ),
            ),
        ),
    ),
    agreed=(
        Contested(
            id=5,
            system="icd10cm",
            code="Z60.2",
            title="Problems related to living alone",
            places=(),
            said=(Said("Reader 1", APPROVE), Said("Reader 2", APPROVE)),
        ),
    ),
    documents=DOCUMENTS,
    document=TEXT,
    can_undo="R54: Keep",
)
OVERRULED = OverruledPage(
    project_id=3,
    project="Frailty, June",
    reader="Reader 2",
    ruled_on=12,
    rows=(
        Overruled(
            ruling_id=41,
            chart="chart 38",
            code="Z91.81",
            title="History of falling",
            quote="Two falls since Easter, neither with injury",
            mine=Said("Reader 2", REJECT, "context: historical or resolved"),
            ruling=BY_RULING["keep"],
            comment="Z91.81 is a history code.",
        ),
        Overruled(
            ruling_id=42,
            chart="chart 40",
            code="E46",
            title="Unspecified protein-calorie malnutrition",
            quote="",
            mine=Said("Reader 2", APPROVE),
            ruling=BY_RULING["out"],
            reply="The dietitian's note came a day later.",
            can_reply=False,
        ),
    ),
)
PROJECTS = ProjectsPage(
    rows=(
        ProjectRow(
            id=3,
            name="Frailty, June",
            preset="Full",
            status="Being read",
            tone="accent",
            readers="2 readers",
            finished=76,
            wanted=200,
            mine="38 of 100 read by you",
            can_next=True,
        ),
        ProjectRow(
            id=2,
            name="Social factors",
            preset="As in the paper",
            status="In adjudication",
            tone="warn",
            readers="1 reader",
            finished=100,
            wanted=100,
            can_adjudicate=True,
        ),
    ),
    can_manage=True,
)
SET = SetRow(
    id=9,
    name="Social factors",
    version=1,
    kind="Approved labels",
    kind_note="Recall measured against it sees only the labeller's codes.",
    purpose="Evaluation",
    charts=100,
    labels=640,
    when="20 Nov 2026",
    sha256="5f2c" * 16,
    tombstones=1,
    project="Social factors",
)
PROJECT = ProjectPage(
    id=3,
    name="Frailty, June",
    preset="Full",
    status="open",
    status_label="Being read",
    tone="accent",
    facts=(Fact("Mode", "Approve, reject and add"), Fact("Domains", "frailty")),
    protocol=("Each chart has 2 readings.", "Nobody sees another's reading before adjudication."),
    readers=(
        ReaderRow(
            "Reader 1",
            "J. Castellanos",
            "Credentialed coder",
            "CCS",
            "qualified 14 Nov",
            38,
            "3.2 min a chart",
        ),
        ReaderRow("Reader 2", "R. Okafor", "Clinician", "MD", "qualifying: 2 of 5", 38),
    ),
    charts=(
        ChartRow(11, 1, "outpatient, 11–40 lines", "", "2 of 2", "read", "good", can_withdraw=True),
        ChartRow(12, 2, "home, 11–40 lines", "qualification", "1 of 2", "being read", "accent"),
        ChartRow(13, 3, "home", "", "0 of 2", "withdrawn", "calm", withdrawn="consent withdrawn"),
    ),
    charts_line="100 charts, seed 11",
    finished=76,
    wanted=200,
    figures=(
        FigureGroup(
            "Both readers",
            (
                Figure("Positive specific agreement", "0.91", "0.88 to 0.94", n="420 labels"),
                Figure("Cohen's kappa", undefined="one reader never rejected"),
            ),
        ),
    ),
    figures_note="38 charts read twice",
    codebooks=(
        CodebookRow(
            2, "12 Nov 2026", "A. Lind", "falls without injury", "Code what is documented.", current=True
        ),
        CodebookRow(1, "2 Nov 2026", "A. Lind", "", "First text."),
    ),
    sets=(SET,),
    can_manage=True,
    can_next=True,
    is_reader=True,
    mine=38,
    overruled=2,
    people=(Option("7", "Miriam Sato"),),
    professions=(Option("coder", "Credentialed coder"), Option("clinician", "Clinician")),
)
STEPS = (Step("Readers", True, "2 of 2"), Step("Charts", False, "none drawn"))
SETS = SetsPage(rows=(SET,), can_export=True)
SET_PAGE = SetPage(
    row=SET,
    facts=(Fact("Purpose", "Evaluation"),),
    manifest='{\n  "charts": 100\n}',
    tombstones=(TombstoneRow("chart-0007", "20 Nov 2026", "consent withdrawn"),),
    can_export=True,
    text_line="With text: every document is synthetic or de-identified.",
    accepted=580,
    rejected=60,
)
