"""The list of gold projects, and a new one."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from coding_review.actions.gold_project import add_codebook_version, create_gold_project
from coding_review.auth import RoleBackend, require
from coding_review.choices import GoldPreset, GoldStatus
from coding_review.errors import ReviewError
from coding_review.gold.queries import may_see_figures, my_progress, progress_of, projects_for, reader_of
from coding_review.models import GoldProject
from coding_review.rules.permissions import ADJUDICATE, MANAGE_GOLD
from coding_review.web.gold_forms import PRESET_LINES, NewProjectForm
from coding_review.web.gold_project_page import ProjectRow, ProjectsPage
from coding_review.web.words import count

TONES: dict[str, str] = {
    GoldStatus.DRAFT: "calm",
    GoldStatus.OPEN: "accent",
    GoldStatus.ADJUDICATING: "warn",
    GoldStatus.FROZEN: "good",
}


def may(user: Any, permission: str) -> bool:
    return RoleBackend().has_perm(user, permission)


@require_GET
def gold_projects(request: HttpRequest) -> HttpResponse:
    """For everyone who is signed in: each sees the projects they read in or oversee."""
    rows = tuple(_row(request.user, project) for project in projects_for(request.user))
    page = ProjectsPage(rows=rows, can_manage=may(request.user, MANAGE_GOLD))
    return render(request, "coding_review/gold/projects.html", {"page": page})


def _row(user: Any, project: GoldProject) -> ProjectRow:
    reader = reader_of(user, project)
    mine = my_progress(reader) if reader is not None else None
    finished = wanted = 0
    note = ""
    if may_see_figures(user, project):
        progress = progress_of(project)
        finished, wanted = progress.finished, progress.wanted
        if project.status == GoldStatus.ADJUDICATING and progress.to_adjudicate:
            note = f"{progress.adjudicated} of {progress.to_adjudicate} adjudicated"
    elif mine is not None:
        finished, wanted = mine.finished, mine.wanted
    readers = project.readers.count()
    return ProjectRow(
        id=project.pk,
        name=project.name,
        preset=project.get_preset_display(),
        status=project.get_status_display(),
        tone=TONES[project.status],
        readers=count(readers, "reader"),
        finished=finished,
        wanted=wanted,
        note=note,
        mine="" if mine is None else f"{count(mine.finished, 'reading')} by you",
        can_next=mine is not None and project.status == GoldStatus.OPEN,
        can_adjudicate=project.status == GoldStatus.ADJUDICATING and reader is None and may(user, ADJUDICATE),
    )


@require_http_methods(["GET", "POST"])
def gold_new(request: HttpRequest) -> HttpResponse:
    require(request.user, MANAGE_GOLD)
    sent = request.POST if request.method == "POST" else None
    preset = (sent or request.GET).get("preset", "")
    if preset not in GoldPreset.values:
        preset = GoldPreset.FULL
    form = NewProjectForm(sent, preset=preset)
    status = 200
    if sent is not None:
        if form.is_valid():
            try:
                return redirect("web:gold-project", _create(request.user, form).pk)
            except ReviewError as error:
                form.add_error(None, error.message)
                status = error.status
        else:
            status = 422
    context = {
        "form": form,
        "groups": list(form.groups()),
        "presets": GoldPreset.choices,
        "preset": preset,
        "preset_line": PRESET_LINES[preset],
    }
    return render(request, "coding_review/gold/new.html", context, status=status)


@transaction.atomic
def _create(user: Any, form: NewProjectForm) -> GoldProject:
    """With the first version of its codebook where a new one was written: both or neither."""
    data = form.cleaned_data
    codebook = data["codebook"] or add_codebook_version(
        user, name=data["codebook_name"], text=data["codebook_text"]
    )
    return create_gold_project(
        user,
        name=data["name"],
        protocol=form.protocol(),
        codebook_id=codebook.pk,
        preset=form.preset,
        label_origin=data["label_origin"],
        seed=data["seed"],
    )
