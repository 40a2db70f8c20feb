"""Ask for a training: the form, its plan, and the job only for a plan that was looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from coding_review.actions.training import plan_training, queue_training
from coding_review.auth import RoleBackend, require
from coding_review.errors import InvalidDecision
from coding_review.rules.permissions import BUILD_DATASET, TRAIN_MODEL
from coding_review.web.form_marks import mark_errors
from coding_review.web.training_build import plan_figures
from coding_review.web.training_form import TrainingForm, bases_below
from coding_review.web.training_page import PlanView
from coding_review.web.training_presets import DEFAULT, PRESETS
from modelops.jobs import base_roots
from modelops.models import DatasetVersion
from modelops.training.base import found_below

_TEMPLATE = "coding_review/training/new.html"
_SWITCHES = ("offload_optimizer", "offload_parameters", "gradient_checkpointing")
_MORE = ("lora_rank", "lora_alpha", "warmup", "max_steps", "save_steps", "seed")
_WHERE = ("place", "device", "processes", "nodes", "slot", "peak_tflops", "memory_gb", "host_memory_gb")
_CHANGED = "A field has changed since the plan was made. This is the plan for what stands here now."


@require_http_methods(["GET", "POST"])
def training_new(request: HttpRequest) -> HttpResponse:
    """`recipe`: one of PRESETS. A POST with act "queue" starts only what the plan on the page was made for."""
    user = cast(User, request.user)
    require(user, TRAIN_MODEL)
    preset = request.GET.get("recipe", DEFAULT)
    preset = preset if preset in PRESETS else DEFAULT
    roots = base_roots()
    bases = bases_below(found_below(roots), roots)
    if request.method != "POST":
        return _page(request, TrainingForm(preset=preset, bases=bases), preset)
    form = TrainingForm(request.POST, preset=preset, bases=bases)
    if not form.is_valid():
        return _page(request, form, preset, status=422)
    asked: dict[str, Any] = {
        "dataset_id": form.cleaned_data["dataset"].pk,
        "base": form.cleaned_data["base"],
        "method": form.cleaned_data["method"],
        "recipe": form.recipe(),
        "resources": form.resources(),
    }
    wants_job = request.POST.get("act") == "queue"
    try:
        if wants_job and request.POST.get("planned") == form.mark():
            slot = form.cleaned_data["slot"]
            job = queue_training(user, name=form.cleaned_data["name"], slot=slot, **asked)
            return redirect("web:training", job.pk)
        plan = plan_training(user, **asked)
    except InvalidDecision as error:
        form.name_error(str(error.data.get("field") or ""), error.message)
        return _page(request, form, preset, status=error.status)
    shown = plan_view(plan.as_json(), form.mark(), _too_long(form))
    if wants_job:
        return _page(request, form, preset, shown, told=_CHANGED, status=409)
    return _page(request, form, preset, shown)


def _too_long(form: TrainingForm) -> str:
    """ "" where the dataset's packs are not longer than those asked for."""
    built: int = form.cleaned_data["dataset"].manifest["pack_tokens"]
    if form.cleaned_data["max_tokens"] >= built:
        return ""
    return (
        f"The dataset was built for packs of {built:,} tokens: those of its examples that are longer than "
        f"{form.cleaned_data['max_tokens']:,} are left out."
    )


def plan_view(plan: Mapping[str, Any], mark: str, told: str = "") -> PlanView:
    """`told`: a warning besides those of the plan."""
    warnings = [told] if told else []
    if plan.get("fits") is False:
        warnings.append(
            "A device has less memory than this needs. Choose a smaller micro-batch, a higher ZeRO stage, "
            "offloading or more devices."
        )
    if plan.get("steps", 0) < 10:
        warnings.append("Fewer than ten steps: the schedule hardly begins.")
    return PlanView(plan_figures(plan), tuple(warnings), mark)


def _page(
    request: HttpRequest,
    form: TrainingForm,
    preset: str,
    plan: PlanView | None = None,
    *,
    told: str = "",
    status: int = 200,
) -> HttpResponse:
    mark_errors(form)
    wrong = set(form.errors)
    context = {
        "form": form,
        "preset": preset,
        "presets": PRESETS,
        "plan": plan,
        "told": told,
        "missing": _missing(form),
        "may_build": not DatasetVersion.objects.exists()
        and RoleBackend().has_perm(request.user, BUILD_DATASET),
        "switches": [form[name] for name in _SWITCHES],
        "more": [form[name] for name in _MORE],
        "where": [form[name] for name in _WHERE],
        # What is wrong must be seen.
        "open_more": bool(wrong & set(_MORE)),
        "open_places": bool(wrong - set(_MORE) - set(_WHERE)) and form["place"].value() != "local",
    }
    return render(request, _TEMPLATE, context, status=status)


def _missing(form: TrainingForm) -> tuple[str, str] | None:
    """What a job cannot do without, as a title and what to do."""
    if not DatasetVersion.objects.exists():
        return "There is no dataset", "Build one first: a job learns from a frozen dataset version."
    if not cast(Any, form.fields["base"]).choices:
        folders = ", ".join(sorted({Path(root).name for root in base_roots()}))
        return (
            "There is no base checkpoint",
            "A base is a Hugging Face folder of safetensors below TRAINING_BASE_DIRS or TRAINING_DIR"
            f" ({folders}).",
        )
    return None
