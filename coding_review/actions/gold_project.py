"""Set up a gold project: its protocol, codebook and readers; open it; end its reading."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Max, Q
from django.utils import timezone

from coding_review import audit
from coding_review.auth import RoleBackend, require
from coding_review.choices import (
    GoldChartPurpose,
    GoldMode,
    GoldPreset,
    GoldReadingKind,
    GoldReadingStatus,
    Profession,
)
from coding_review.errors import InvalidProtocol, NotAllowed, WrongStatus
from coding_review.gold.locks import lapse, lock_charts, lock_project, require_step
from coding_review.models import (
    Codebook,
    GoldChart,
    GoldLabel,
    GoldProject,
    GoldReader,
    GoldReading,
    ReviewerProfile,
)
from coding_review.rules.gold_presets import Protocol, departures, problems
from coding_review.rules.names import fault_of_name
from coding_review.rules.permissions import MANAGE_GOLD, READ_DOCUMENTS, READ_GOLD, SEARCH_AUDIT

NAME, _ORIGIN = 120, 200


@transaction.atomic
def create_gold_project(
    actor: Any,
    *,
    name: str,
    protocol: Protocol,
    codebook_id: int,
    preset: str = GoldPreset.CUSTOM,
    label_origin: str = "",
    seed: int | None = None,
) -> GoldProject:
    """A draft. Without a seed one is drawn; it is kept, and every later draw goes by it.

    Raises InvalidProtocol (settings that do not go together, or are not the preset's; name taken), NotAllowed.
    """
    require(actor, MANAGE_GOLD)
    name = name.strip()
    if wrong := fault_of_name(name, NAME):
        raise InvalidProtocol(wrong, field="name")
    if label_origin.strip() and (wrong := fault_of_name(label_origin, _ORIGIN)):
        raise InvalidProtocol(wrong, field="label_origin")
    if GoldProject.objects.filter(name=name).exists():
        raise InvalidProtocol("There is a gold project of this name already.", field="name")
    if preset not in GoldPreset.values:
        raise InvalidProtocol("Choose a preset.", field="preset")
    if found := problems(protocol):
        raise InvalidProtocol(" ".join(found), problems=found)
    if other := departures(preset, protocol):
        words = ", ".join(field.replace("_", " ") for field in other)
        raise InvalidProtocol(
            f"These settings are not the preset's: {words}. Choose own settings.", fields=other
        )
    codebook = Codebook.objects.filter(pk=codebook_id).first()
    if codebook is None:
        raise InvalidProtocol("Choose a codebook.", field="codebook")
    values = asdict(protocol) | {"domains": list(protocol.domains)}
    values.pop("charts")
    project = GoldProject.objects.create(
        name=name,
        preset=preset,
        codebook=codebook,
        label_origin=label_origin.strip(),
        seed=secrets.randbelow(2**31) if seed is None else seed,
        created_by=actor,
        **values,
    )
    audit.record(
        "gold.project_created",
        actor=actor,
        data={
            "project_id": project.pk,
            "preset": str(preset),
            "mode": str(project.mode),
            "seed": project.seed,
            "label_source": str(project.label_source),
        },
    )
    return project


@transaction.atomic
def add_codebook_version(actor: Any, *, name: str, text: str, change_note: str = "") -> Codebook:
    """The next version of the codebook of this name, or its first; later versions say what changed.

    Raises InvalidProtocol, NotAllowed.
    """
    require(actor, MANAGE_GOLD)
    name = name.strip()
    if wrong := fault_of_name(name, NAME):
        raise InvalidProtocol(wrong, field="name")
    if not text.strip():
        raise InvalidProtocol("A codebook has a name and a text.", field="text")
    last = Codebook.objects.filter(name=name).aggregate(n=Max("version"))["n"] or 0
    if last and not change_note.strip():
        raise InvalidProtocol("Say what changed since the version before.", field="change_note")
    codebook = Codebook.objects.create(
        name=name, version=last + 1, text=text, change_note=change_note.strip(), created_by=actor
    )
    audit.record(
        "gold.codebook_added",
        actor=actor,
        data={"codebook_id": codebook.pk, "name": name, "version": codebook.version},
    )
    return codebook


@transaction.atomic
def set_codebook(actor: Any, project_id: int, codebook_id: int) -> GoldProject:
    """From now on readers work by this version; while reading goes on only by a version of the same codebook.

    Raises InvalidProtocol, GoldFrozen, WrongStatus, NotAllowed.
    """
    require(actor, MANAGE_GOLD)
    project = lock_project(project_id)
    require_step(project, "set_codebook")
    codebook = Codebook.objects.filter(pk=codebook_id).first()
    if codebook is None or (project.opened_at is not None and codebook.name != project.codebook.name):
        raise InvalidProtocol("Choose a version of the project's codebook.", field="codebook")
    project.codebook = codebook
    project.save(update_fields=["codebook"])
    audit.record(
        "gold.codebook_set",
        actor=actor,
        data={"project_id": project.pk, "codebook_id": codebook.pk, "version": codebook.version},
    )
    return project


@transaction.atomic
def add_gold_reader(
    actor: Any, project_id: int, *, user_id: int, profession: str, credential: str = ""
) -> GoldReader:
    """Assigns a reader, who gets the next pseudonym. The credential is the profile's unless given, and recorded.

    Raises InvalidProtocol (no credential, no such profession, assigned before), NotAllowed (the person may not read
    gold charts, or may search the audit log, where others' judgements stand), GoldFrozen, WrongStatus.
    """
    require(actor, MANAGE_GOLD)
    project = lock_project(project_id)
    require_step(project, "add_reader")
    user = User.objects.filter(pk=user_id, is_active=True).first()
    rights = RoleBackend().get_all_permissions(user) if user is not None else set()
    if user is None or not {READ_GOLD, READ_DOCUMENTS} <= rights:
        raise NotAllowed("This person may not read charts for gold projects.")
    if SEARCH_AUDIT in rights:
        raise NotAllowed("Who may search the audit log would see the other readings: choose another reader.")
    if profession not in Profession.values:
        raise InvalidProtocol("Choose the reader's profession.", field="profession")
    if GoldReader.objects.filter(project=project, user=user).exists():
        raise InvalidProtocol("This person is a reader of the project already.", field="user")
    profile = ReviewerProfile.objects.filter(user=user).first()
    credential = credential.strip() or (profile.credential if profile else "")
    if not credential:
        raise InvalidProtocol("Record the reader's credential.", field="credential")
    number = GoldReader.objects.filter(project=project).count() + 1
    reader = GoldReader.objects.create(
        project=project,
        user=user,
        profession=profession,
        credential=credential,
        pseudonym=pseudonym(number),
        qualified_at=timezone.now() if project.qualification_threshold is None else None,
    )
    audit.record(
        "gold.reader_added",
        actor=actor,
        data={
            "project_id": project.pk,
            "reader_id": reader.pk,
            "user_id": user.pk,
            "profession": str(profession),
            "credential": credential,
        },
    )
    return reader


def pseudonym(number: int) -> str:
    """Reader A to Z, then AA: on one chart readers are numbers, in an order of its own that tells of no letter."""
    letters = ""
    while number:
        number, place = divmod(number - 1, 26)
        letters = chr(ord("A") + place) + letters
    return f"Reader {letters}"


@transaction.atomic
def open_gold_project(actor: Any, project_id: int) -> GoldProject:
    """Reading begins; charts and labels stay as they are from here on.

    Raises InvalidProtocol (no charts, no labels, too few readers or professions, no qualification charts),
    GoldFrozen, WrongStatus, NotAllowed.
    """
    require(actor, MANAGE_GOLD)
    project = lock_project(project_id)
    after = require_step(project, "open")
    charts = GoldChart.objects.filter(project=project)
    labels = GoldLabel.objects.filter(chart__in=charts.standing()).count()
    readers = list(GoldReader.objects.filter(project=project))
    if found := _not_ready(project, charts.study(), labels, readers):
        raise InvalidProtocol(" ".join(found), problems=found)
    project.status, project.opened_at = after, timezone.now()
    project.save(update_fields=["status", "opened_at"])
    audit.record(
        "gold.project_opened",
        actor=actor,
        data={
            "project_id": project.pk,
            "charts": charts.standing().count(),
            "labels": labels,
            "readers": [reader.pk for reader in readers],
        },
    )
    return project


def _not_ready(project: GoldProject, study: Any, labels: int, readers: list[GoldReader]) -> list[str]:
    wanted = study.aggregate(n=Max("readings_wanted"))["n"] or 0
    found = []
    if not wanted:
        found.append("Draw charts first.")
    if project.mode != GoldMode.BLIND and not labels:
        found.append("No chart has a label to judge.")
    if len(readers) < max(wanted, 1):
        found.append(f"{max(wanted, 1)} readers are needed, {len(readers)} are assigned.")
    if few := _too_few(study, readers):
        found.append(
            f"{few} {'chart has' if few == 1 else 'charts have'} too few readers: who coded an encounter does not "
            "read it. Assign others, or withdraw it."
        )
    professions = {reader.profession for reader in readers}
    if (
        project.mixed_readers
        and wanted >= len(Profession.values)
        and len(professions) < len(Profession.values)
    ):
        found.append("A chart gets one coder and one clinician: assign readers of both professions.")
    if project.qualification_threshold is not None:
        qualification = GoldChart.objects.filter(project=project, purpose=GoldChartPurpose.QUALIFICATION)
        if not qualification.standing().exists():
            found.append("Draw qualification charts, or take the threshold out.")
    return found


def _too_few(study: Any, readers: list[GoldReader]) -> int:
    """Charts on which the assigned readers cannot make the readings wanted, where there are enough of them at all."""
    able = Counter(
        pk for reader in readers for pk in study.not_coded_by(reader.user_id).values_list("pk", flat=True)
    )
    wanted = dict(study.values_list("pk", "readings_wanted"))
    return sum(able[pk] < min(number, len(readers)) for pk, number in wanted.items())


@transaction.atomic
def close_gold_reading(actor: Any, project_id: int) -> GoldProject:
    """Reading ends and adjudication may begin. What is still open (repeats, more than was wanted) lapses.

    Raises WrongStatus (data: charts that still want readings), GoldFrozen, NotAllowed.
    """
    require(actor, MANAGE_GOLD)
    project = lock_project(project_id)
    after = require_step(project, "close")
    charts = lock_charts(project)
    done = Q(
        readings__kind=GoldReadingKind.INDEPENDENT,
        readings__status=GoldReadingStatus.FINISHED,
        readings__reader__qualified_at__isnull=False,
    )
    counted = GoldChart.objects.filter(project=project).study().annotate(done=Count("readings", filter=done))
    rows = counted.values_list("pk", "readings_wanted", "done")
    left = [pk for pk, wanted, number in rows if number < wanted]
    if left:
        raise WrongStatus(
            f"{len(left)} of {len(charts)} charts are not read as often as the protocol says. "
            "Wait for them, or withdraw them.",
            chart_ids=left,
        )
    of_charts = GoldReading.objects.filter(chart__project=project)
    still_open = list(
        of_charts.select_for_update(of=("self",), no_key=True)
        .filter(status=GoldReadingStatus.OPEN)
        .order_by("pk")
    )
    lapse(still_open)
    project.status, project.closed_at = after, timezone.now()
    project.save(update_fields=["status", "closed_at"])
    audit.record(
        "gold.reading_closed",
        actor=actor,
        data={
            "project_id": project.pk,
            "charts": counted.count(),
            "readings": of_charts.filter(status=GoldReadingStatus.FINISHED).count(),
            "lapsed": len(still_open),
        },
    )
    return project
