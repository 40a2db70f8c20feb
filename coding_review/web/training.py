"""Trainings: the list, one job while it runs, cancel, resume, its model card and the file that somebody submits."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from coding_review.actions.training import cancel_training, resume_training
from coding_review.auth import RoleBackend
from coding_review.errors import WrongStatus
from coding_review.rules.permissions import TRAIN_MODEL, VIEW_TRAINING
from coding_review.training_files import card_of, log_tail, script_of
from coding_review.web import training_build as build
from coding_review.web.http import is_htmx
from coding_review.web.kept_pages import listed, one_for
from coding_review.web.training_page import JobPage, Log
from modelops.choices import TRAINING_OPEN
from modelops.models import ModelVersion, TrainingJob, TrainingStep

_POINTS = 240
_LINES = 14
_TEMPLATES = "coding_review/training"


def get_job_for(user: Any, pk: int, permission: str = VIEW_TRAINING) -> TrainingJob:
    """Raises NotAllowed, Http404."""
    return one_for(user, TrainingJob.objects.select_related("dataset", "created_by"), permission, pk=pk)


@require_GET
def trainings(request: HttpRequest) -> HttpResponse:
    """For its own poll the table alone."""
    losses = TrainingStep.objects.filter(job=OuterRef("pk"), loss__isnull=False).order_by("-step")
    jobs = TrainingJob.objects.select_related("dataset", "created_by").annotate(
        last_loss=Subquery(losses.values("loss")[:1])
    )

    # With what was annotated, which the model's type does not know.
    def row_of(job: Any) -> object:
        return build.job_row(job, job.last_loss)

    context = listed(request, jobs, row_of, here="training", one="job", starts=TRAIN_MODEL)
    context["polls"] = any(job.status in TRAINING_OPEN for job in context["found"])
    return render(request, f"{_TEMPLATES}/{'_jobs' if is_htmx(request) else 'jobs'}.html", context)


@require_GET
def training(request: HttpRequest, training_id: int) -> HttpResponse:
    """The job's page. For its own poll what changes: nothing (204) where the page has `seen` this state, the head
    only where the status is another."""
    job = get_job_for(request.user, training_id)
    page = _page(request.user, job)
    if not is_htmx(request):
        return render(request, f"{_TEMPLATES}/job.html", {"page": page})
    seen = request.GET.get("seen", "")
    if seen == page.live.revision:
        return HttpResponse(status=204)
    context = {"page": page, "head_changed": seen.partition(".")[0] != job.status}
    return render(request, f"{_TEMPLATES}/poll.html", context)


@require_POST
def training_cancel(request: HttpRequest, training_id: int) -> HttpResponse:
    """A job that has ended meanwhile, or was told to stop already, is shown as it is."""
    job = get_job_for(request.user, training_id, TRAIN_MODEL)
    with suppress(WrongStatus):
        cancel_training(request.user, job.pk)
    return redirect("web:training", training_id)


@require_POST
def training_resume(request: HttpRequest, training_id: int) -> HttpResponse:
    """A job that goes on already is shown as it is."""
    job = get_job_for(request.user, training_id, TRAIN_MODEL)
    with suppress(WrongStatus):
        resume_training(request.user, job.pk)
    return redirect("web:training", training_id)


@require_GET
def training_card(request: HttpRequest, training_id: int) -> HttpResponse:
    """The result's model card, as the Markdown that lies beside the weights."""
    text = card_of(get_job_for(request.user, training_id))
    if not text:
        raise Http404("The job has no result yet.")
    return _attached(f"model-card-job-{training_id}.md", text, "text/markdown; charset=utf-8")


@require_GET
def training_script(request: HttpRequest, training_id: int) -> HttpResponse:
    """The file for Slurm or Kubernetes. It names folders of the machines, so it is for who may train."""
    name, text = script_of(get_job_for(request.user, training_id, TRAIN_MODEL))
    if not text:
        raise Http404("No file was written for this job.")
    return _attached(name, text, "text/plain; charset=utf-8")


def _page(user: Any, job: TrainingJob) -> JobPage:
    may_train = RoleBackend().has_perm(user, TRAIN_MODEL)
    newest = job.training_steps.newest(_LINES)
    raw, withheld = log_tail(user, job)
    log = Log(build.log_lines(newest), raw, withheld)
    version = job.model_versions.order_by("-pk").first()
    serving = ModelVersion.objects.filter(engine=version.engine, active=True).first() if version else None
    name, script = script_of(job) if may_train else ("", "")
    return JobPage(
        head=build.head(job, may_train=may_train),
        live=build.live(job, job.training_steps.curves(_POINTS), newest, log, version),
        facts=build.facts(job),
        plan=build.plan_figures(job.plan),
        scored=build.scored(version, serving),
        script=script,
        script_name=name,
        has_card=bool(card_of(job)),
    )


def _attached(name: str, text: str, content_type: str) -> HttpResponse:
    response = HttpResponse(text, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
