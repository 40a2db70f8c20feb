"""Bringing encounters in by hand: a pasted text or a file, and what became of every row. No JavaScript."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from catalog.choices import ClaimType
from coding_review.actions.receive_all import Received, receive_all
from coding_review.actions.receive_encounter import Outcome
from coding_review.auth import require
from coding_review.choices import Confidentiality
from coding_review.incoming import IncomingDocument, IncomingEncounter, problems
from coding_review.intake.csv import COLUMNS
from coding_review.intake.files import READERS, rows_of_stream
from coding_review.intake.rows import Defaults, Row, RowError
from coding_review.models import Encounter, WorkGroup
from coding_review.rules.permissions import IMPORT, READ_DOCUMENTS
from coding_review.web.form_marks import mark_errors
from modelops.choices import Setting
from modelops.interchange import LONE_DOCUMENT_ID

# A request takes in what a person can wait for and a web worker's time allows; the rest goes by other doors.
MAX_UPLOAD = 20 * 1024 * 1024
MAX_ROWS = 500
LARGER = "Larger files: manage.py import_charts PATH, or POST /api/encounters/ in lists of up to 500."
# Errors are all shown; of what went in, this many by name.
SHOWN = 500
_DAY = forms.DateInput(attrs={"type": "date"})


if TYPE_CHECKING:
    _OfWorkGroups = forms.ModelChoiceField[WorkGroup]
else:
    _OfWorkGroups = forms.ModelChoiceField


class WorkGroupField(_OfWorkGroups):
    def label_from_instance(self, obj: WorkGroup) -> str:
        return f"{obj.facility.name}, {obj.name}"


class ImportForm(forms.Form):
    """What holds for the text, or for every row of a file that does not say otherwise."""

    work_group = WorkGroupField(WorkGroup.objects.none(), label="Work group", empty_label="Choose…")
    source = forms.CharField(
        max_length=80, initial="import", label="Source", help_text="The system that ids come from."
    )
    confidentiality = forms.ChoiceField(choices=Confidentiality.choices, label="Confidentiality")
    setting = forms.ChoiceField(choices=Setting.choices, label="Setting", initial=Setting.OUTPATIENT)
    claim_types = forms.MultipleChoiceField(
        choices=ClaimType.choices,
        required=False,
        label="Claim types",
        widget=forms.CheckboxSelectMultiple,
        help_text="None: facility inpatient for an inpatient stay, else professional.",
    )
    document_type = forms.CharField(max_length=80, required=False, label="Document type")
    specialty = forms.CharField(max_length=80, required=False, label="Specialty")
    admit_date = forms.DateField(required=False, label="Admitted", widget=_DAY)
    discharge_date = forms.DateField(required=False, label="Discharged", widget=_DAY)
    date_of_service = forms.DateField(required=False, label="Date of service", widget=_DAY)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        groups = work_groups_of(user)
        field = cast(WorkGroupField, self.fields["work_group"])
        field.queryset = groups
        if len(groups) == 1:
            field.empty_label = None

    def defaults(self) -> Defaults:
        values = self.cleaned_data
        group: WorkGroup = values["work_group"]
        return Defaults(
            source=values["source"],
            facility=group.facility.code,
            work_group=group.code,
            confidentiality=values["confidentiality"],
            setting=values["setting"],
            claim_types=tuple(values["claim_types"]),
            document_type=values["document_type"],
            specialty=values["specialty"],
            admit_date=values["admit_date"],
            discharge_date=values["discharge_date"],
            date_of_service=values["date_of_service"],
        )


class PasteForm(ImportForm):
    source_id = forms.CharField(
        max_length=120,
        required=False,
        label="Encounter id",
        help_text="Empty: made from the text, so that the same text is never there twice.",
    )
    document_id = forms.CharField(
        max_length=120,
        required=False,
        label="Document id",
        help_text="For a further document of an encounter that is already here.",
    )
    # As pasted: not stripped.
    text = forms.CharField(strip=False, label="Text", widget=forms.Textarea(attrs={"rows": 14}))

    def incoming(self) -> IncomingEncounter:
        values, defaults = self.cleaned_data, self.defaults()
        text: str = values["text"]
        return IncomingEncounter(
            source=defaults.source,
            source_id=values["source_id"] or f"text-{hashlib.sha256(text.encode()).hexdigest()[:16]}",
            facility=defaults.facility,
            work_group=defaults.work_group,
            documents=(
                IncomingDocument(
                    values["document_id"] or LONE_DOCUMENT_ID, text, type=defaults.document_type
                ),
            ),
            setting=defaults.setting,
            claim_types=defaults.claim_types,
            confidentiality=defaults.confidentiality,
            admit_date=defaults.admit_date,
            discharge_date=defaults.discharge_date,
            date_of_service=defaults.date_of_service,
            specialty=defaults.specialty,
        )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not self.errors:
            for problem in problems(self.incoming()):
                name = problem.split(" ", 1)[0]
                field = name if name in self.fields else "text" if problem.startswith("the text") else None
                self.add_error(
                    field, _sentence(problem.removeprefix(f"{name} ") if field == name else problem)
                )
        return values


class UploadForm(ImportForm):
    file = forms.FileField(
        label="File",
        allow_empty_file=True,
        widget=forms.ClearableFileInput(attrs={"accept": ",".join(READERS)}),
        help_text=f"A .txt, .jsonl, .csv or .zip of texts: at most 20 MiB and {MAX_ROWS:,} rows. {LARGER}",
    )

    def clean_file(self) -> UploadedFile[Any]:
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_UPLOAD:
            raise forms.ValidationError(f"Over 20 MiB. {LARGER}")
        return file


@dataclass(frozen=True, slots=True)
class Shown:
    """A row that was taken in; `url` empty where this user may not open the encounter."""

    place: str
    source_id: str
    outcome: str
    url: str
    kept: str


def work_groups_of(user: User) -> QuerySet[WorkGroup]:
    groups = WorkGroup.objects.filter(memberships__user_id=user.pk).select_related("facility")
    return groups.order_by("facility__code", "code")


@require_http_methods(["GET", "HEAD", "POST"])
def bring_in(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    require(user, IMPORT)
    way = "upload" if request.GET.get("way") == "upload" else "paste"
    form: PasteForm | UploadForm
    if request.method != "POST":
        form = UploadForm(user) if way == "upload" else PasteForm(user)
        return _page(request, way, form)
    if way == "upload":
        form = UploadForm(user, request.POST, request.FILES)
    else:
        form = PasteForm(user, request.POST)
    if not form.is_valid():
        return _page(request, way, form, status=422)
    if isinstance(form, UploadForm):
        file: UploadedFile[Any] = form.cleaned_data["file"]
        rows = rows_of_stream(file.name or "", cast(Any, file), form.defaults())
        answers = list(receive_all(user, _bounded(rows), via="upload"))
    else:
        answers = list(receive_all(user, [Row("The pasted text", None, form.incoming())], via="paste"))
        refused = [answer for answer in answers if isinstance(answer, RowError)]
        if refused:
            # Back to the form, with the text still in it.
            form.add_error(None, refused[0].message)
            return _page(request, way, form, status=422)
    return _result(request, user, way, answers)


def _bounded(rows: Iterable[Row | RowError]) -> Iterator[Row | RowError]:
    """As many as a page takes in; that there are more is told as an error of the first one left out."""
    for count, row in enumerate(rows):
        if count == MAX_ROWS:
            yield RowError(
                row.file,
                row.line,
                f"the page takes {MAX_ROWS:,} rows at a time; nothing from here on was read. {LARGER}",
            )
            return
        yield row


def _page(request: HttpRequest, way: str, form: PasteForm | UploadForm, *, status: int = 200) -> HttpResponse:
    mark_errors(form)
    context = {"form": form, "way": way, "columns": COLUMNS.items()}
    return render(request, "coding_review/import.html", context, status=status)


def _result(request: HttpRequest, user: User, way: str, answers: list[Received | RowError]) -> HttpResponse:
    taken = [answer for answer in answers if isinstance(answer, Received)]
    errors = [answer for answer in answers if isinstance(answer, RowError)]
    counts = Counter(answer.receipt.outcome for answer in taken)
    context = {
        "way": way,
        "counts": [(label, counts[value]) for value, label in Outcome.choices if counts[value]],
        "errors": errors,
        "rows": _shown(user, taken[:SHOWN]),
        "not_shown": max(0, len(taken) - SHOWN),
    }
    return render(request, "coding_review/import_result.html", context, status=200 if taken else 422)


def _shown(user: User, taken: list[Received]) -> list[Shown]:
    ids = {answer.receipt.encounter_id for answer in taken}
    open_to_user: set[int] = set()
    if user.has_perm(READ_DOCUMENTS):
        open_to_user = set(Encounter.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))
    labels = dict(Outcome.choices)
    return [
        Shown(
            place=answer.file if answer.line is None else f"{answer.file}, line {answer.line}",
            source_id=answer.source_id,
            outcome=str(labels[answer.receipt.outcome]),
            url=reverse("web:encounter", args=[answer.receipt.encounter_id])
            if answer.receipt.encounter_id in open_to_user
            else "",
            kept=", ".join(answer.receipt.kept),
        )
        for answer in taken
    ]


def _sentence(problem: str) -> str:
    problem = problem.replace("admit_date", "the day of admission")
    return f"{problem[:1].upper()}{problem[1:]}."
