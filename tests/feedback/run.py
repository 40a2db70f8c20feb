"""The steps of a round of feedback in their order, with what each took."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from coding_review.actions.build_dataset import Sources, build_dataset
from coding_review.actions.grant_access import grant_role, open_work_group
from coding_review.actions.receive_encounter import receive_encounter
from coding_review.choices import CODED_STATES
from coding_review.incoming import IncomingDocument, IncomingEncounter, IncomingPatient
from coding_review.models import CodeEntry, CodeSet, Facility, PredictionRun, ReviewerProfile, WorkGroup
from coding_review.prediction import predict_run
from modelops.datasets.build import Options
from modelops.models import DatasetVersion
from modelops.synthesis.seeded import seeded
from tests.bench.run import say
from tests.feedback import retraining
from tests.feedback.reviewers import Reviewer
from tests.mini.charts import DEVELOPMENT_SEED, PROMPT, SOURCE, TRAINING_SEED, freeze, without_leaks
from tests.mini.size import MINI
from tests.modelops.datasets.chat_model import make_chat_model

T = TypeVar("T")
Truth = Mapping[str, Mapping[str, Any]]
SEED = 3100
_FACILITY, _GROUP, _SOURCE = "FEEDBACK", "coders", "synthetic"
# In a folder that is kept: the number of the dataset, once it is built.
_DATASET = "dataset.json"


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.feedback")
    parser.add_argument(
        "--charts",
        type=int,
        default=500,
        help="charts to review; 0: none, the control, which is trained on with the known ones alone",
    )
    parser.add_argument("--codes", default="60", help="as manage.py synthesize takes them")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--slips", type=float, default=0.05, help="share of suggestions decided the other way"
    )
    parser.add_argument(
        "--whole-lines", action="store_true", help="evidence of what is accepted is set to the whole line"
    )
    parser.add_argument(
        "--base",
        type=Path,
        help="checkpoint to train on with what was signed; without it there is no training",
    )
    parser.add_argument("--epochs", type=float, default=retraining.EPOCHS)
    parser.add_argument("--learning-rate", type=float, default=retraining.LEARNING_RATE)
    parser.add_argument(
        "--replayed",
        type=int,
        default=2000,
        help="synthetic charts the base learned from, in the dataset beside what was signed; 0: none",
    )
    parser.add_argument("--held-out", type=int, default=200, help="charts frozen to score on")
    parser.add_argument("--held-out-seed", type=int, default=DEVELOPMENT_SEED)
    parser.add_argument(
        "--keep",
        type=Path,
        help="folder that keeps what each step made, beside its database: the next call goes on from there",
    )
    asked = parser.parse_args(arguments)
    if asked.keep is None:
        with database(f"feedback_{os.getpid()}"), tempfile.TemporaryDirectory() as name:
            call_command("load_catalog", "icd10cm", verbosity=0)
            round_of_feedback(asked, Path(name))
        return
    folder = asked.keep.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    # A review that was broken off half way begins anew.
    goes_on = (folder / _DATASET).is_file()
    with database("feedback_kept", kept=True, goes_on=goes_on):
        if not goes_on:
            call_command("load_catalog", "icd10cm", verbosity=0)
        round_of_feedback(asked, folder)


def round_of_feedback(asked: argparse.Namespace, folder: Path) -> None:
    settings.DATASETS_DIR = folder / "datasets"
    base = make_chat_model(folder / "base") if asked.base is None else asked.base.resolve()
    held_out, done = folder / "held-out.jsonl", folder / _DATASET
    if done.is_file():
        version = DatasetVersion.objects.get(pk=json.loads(done.read_text(encoding="utf-8")))
    else:
        version = reviewed_dataset(asked, folder, base, held_out)
        done.write_text(json.dumps(version.pk), encoding="utf-8")
    if asked.base is not None:
        say(f"# {asked.held_out} charts of seed {asked.held_out_seed} to score on")
        retraining.before_and_after(
            version, base, held_out, folder, epochs=asked.epochs, learning_rate=asked.learning_rate
        )


def reviewed_dataset(asked: argparse.Namespace, folder: Path, base: Path, held_out: Path) -> DatasetVersion:
    """From charts nobody has seen to the dataset of what was signed of them."""
    if asked.base is not None:
        write(held_out, asked.held_out, asked.codes, asked.held_out_seed)
        freeze(held_out)
    if asked.charts:
        say(f"# {asked.charts} charts of seed {asked.seed}, {asked.codes} codes, {asked.slips:.0%} slips")
        signed_charts(asked, folder)
    else:
        say(f"# nothing reviewed: {asked.replayed} known charts alone")
    known = folder / "known.jsonl"
    if asked.replayed:
        timed("known charts written", lambda: write(known, asked.replayed, asked.codes, TRAINING_SEED))
    sources = both(known if asked.replayed else None, signed=bool(asked.charts))
    version, left_out = timed(
        "dataset built",
        lambda: without_leaks(lambda out: built(base, dataclasses.replace(sources, leave_out=out))),
    )
    say(f"{told(version)}; {left_out} nearly the same as one that is scored")
    return version


def signed_charts(asked: argparse.Namespace, folder: Path) -> None:
    """Received, predicted and reviewed in this database."""
    written = folder / "charts.jsonl"
    timed("charts written", lambda: write(written, asked.charts, asked.codes, asked.seed))
    truth = truth_of(written)
    coder = site()
    timed("charts received", lambda: receive(truth))
    timed("charts predicted by the embedded engine", predict)
    reviewer = Reviewer(coder, seeded("feedback", asked.seed), asked.slips, whole_lines=asked.whole_lines)
    timed("charts reviewed", lambda: review_all(reviewer, truth))
    say(", ".join(f"{what} {count:,}" for what, count in sorted(reviewer.done.items())))
    say(agreement(reviewer))
    say(f"labels against the generator's truth: {labels_against(truth)}")


def timed(what: str, do: Callable[[], T]) -> T:
    begun = time.perf_counter()
    done = do()
    say(f"{what} in {time.perf_counter() - begun:,.0f} s, load {os.getloadavg()[0]:.1f}")
    return done


@contextmanager
def database(name: str, *, kept: bool = False, goes_on: bool = False) -> Iterator[None]:
    """One of its own, empty unless it `goes_on`; dropped at the end unless it is `kept`."""
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = connection.settings_dict["TEST"][
        "NAME"
    ] = name
    before = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, keepdb=goes_on)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(before, verbosity=0, keepdb=kept)


def write(path: Path, count: int, codes: str, seed: int) -> None:
    call_command(
        "synthesize",
        count=count,
        seed=seed,
        codes=codes,
        style="short",
        companions="0-3",
        out=str(path),
        stderr=open(os.devnull, "w"),  # noqa: SIM115 - until the process ends
    )


def truth_of(path: Path) -> dict[str, Mapping[str, Any]]:
    """By the chart's id, its line in the gold form."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {row["id"]: row for row in rows}


def site() -> User:
    facility = Facility.objects.create(code=_FACILITY, name="Feedback", time_zone="UTC")
    group = WorkGroup.objects.create(facility=facility, code=_GROUP, name="Coders")
    user = User.objects.create_user("simulated-coder")
    ReviewerProfile.objects.create(user=user, credential="CCS", pseudonym="R-1")
    grant_role(None, user, "coder")
    open_work_group(None, user, group, "normal")
    return user


def receive(truth: Truth) -> None:
    for row in truth.values():
        day = date.fromisoformat(row["date_of_service"])
        inpatient = row["claim_type"] == "facility_inpatient"
        receive_encounter(
            None,
            IncomingEncounter(
                source=_SOURCE,
                source_id=row["id"],
                facility=_FACILITY,
                work_group=_GROUP,
                # Without type and author, as are the charts that the base learned from and those that are scored.
                documents=(IncomingDocument("1", row["text"]),),
                setting=row["setting"],
                claim_types=(row["claim_type"],),
                patient=IncomingPatient(row["patient_id"], row["sex"]),
                date_of_service=day,
                admit_date=day if inpatient else None,
                discharge_date=day if inpatient else None,
                age=float(row["age"]),
                age_unit=row["age_unit"],
                sex=row["sex"],
                specialty=row["specialty"],
                synthetic=True,
            ),
            via="command",
        )


def predict() -> None:
    for pk in PredictionRun.objects.filter(status="queued").order_by("pk").values_list("pk", flat=True):
        predict_run(pk)


def review_all(reviewer: Reviewer, truth: Truth) -> None:
    for code_set in CodeSet.objects.select_related("encounter").order_by("pk"):
        reviewer.review(code_set, truth[code_set.encounter.source_id])


def agreement(reviewer: Reviewer) -> str:
    accepted, turned_down = reviewer.done["accepted"], reviewer.done["rejected"] + reviewer.done["dismissed"]
    rate = accepted / max(1, accepted + turned_down)
    return f"accept rate {rate:.3f} (agreement with an assisted reviewer, no accuracy)"


def labels_against(truth: Truth) -> str:
    """Exact codes of the signed sets, micro."""
    both = made = wanted = 0
    for code_set in CodeSet.objects.filter(status="signed").select_related("encounter"):
        right = {row["code"] for row in truth[code_set.encounter.source_id]["codes"]}
        said = set(
            CodeEntry.objects.filter(reading__code_set=code_set, state__in=CODED_STATES).values_list(
                "code", flat=True
            )
        )
        both, made, wanted = both + len(right & said), made + len(said), wanted + len(right)
    precision, recall = both / max(1, made), both / max(1, wanted)
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return f"precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}"


def both(known: Path | None, *, signed: bool = True) -> Sources:
    """What was signed, and beside it what the model learned from before: as the form of a dataset offers signed charts
    and runs of synthetic ones together. Of a few hundred charts alone a model unlearns the rest."""
    if known is None:
        return Sources(signed_off=signed)
    lines = known.read_text(encoding="utf-8").splitlines()
    return Sources(signed_off=signed, written=((SOURCE, lambda: lines),))


def built(base: Path, sources: Sources) -> DatasetVersion:
    options = Options(prompt=PROMPT, pack_tokens=MINI.pack_tokens, augment=MINI.augment)
    version, _ = build_dataset(None, "feedback", sources, tokenizer=base, options=options)
    return version


def told(version: DatasetVersion) -> str:
    figures = version.statistics
    examples = figures["examples"]
    left_out = ", ".join(f"{n} {why.replace('_', ' ')}" for why, n in version.manifest["left_out"].items())
    return (
        f"{version}: {examples['train']} to train on ({figures['composites']} composites), {examples['validation']} to "
        f"validate on, {figures['labels']} labels of {figures['codes']['distinct']} codes, "
        f"{figures['negatives']} negatives, {figures['unlabelled']} unlabelled; by source {figures['by_source']}; "
        f"left out: {left_out or 'none'}"
    )
