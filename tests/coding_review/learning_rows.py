"""Rows of the learning loop for tests: a run of synthetic charts, a dataset version, a training with its steps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from coding_review.dataset_asked import AskedDataset, as_json
from coding_review.models import DatasetBuild
from modelops.models import DatasetVersion, SynthesisRun, SyntheticChart, TrainingJob, TrainingStep
from modelops.training.config import Recipe, Resources, to_dict

NOTE = "\n".join(
    (
        "ASSESSMENT AND PLAN",
        "1. Acute on chronic systolic heart failure, diuresed with IV furosemide.",
        "2. CKD stage 4, stable.",
        "3. Mother had breast cancer at 52.",
        "4. No chest pain <today> & no fever.",
    )
)
CODES: dict[str, Any] = {
    "note_type": "progress_note",
    "domains": ["advanced_illness"],
    "codes": [
        {"code": "I50.23", "lines": [2], "role": "principal"},
        {"code": "N18.4", "lines": [3]},
    ],
    "optional": [{"code": "Z79.899", "lines": [2]}],
    "traps": [{"code": "C50.919", "kind": "family_history", "lines": [4]}],
}
BETWEEN: dict[str, Any] = {
    "version": "1",
    "meta_description": "",
    "seed_code": "I50.23",
    "co_codes": ["N18.4"],
    "style": "terse_rounds",
    "seed": "7/0",
    "details": {"style": "terse_rounds", "abbreviations": 2, "width": 0},
    "candidates": [
        {"code": "I50.23", "similarity": 0.9731, "lines": [2]},
        {"code": "C50.919", "similarity": 0.912, "lines": [4]},
        {"code": "I50.9", "similarity": 0.61, "lines": [2]},
    ],
    "discards": [
        {"code": "I10", "reason": "excludes1"},
        {"code": "I50.9", "reason": "suggested_not_written"},
    ],
    "discarded": "",
}
COUNTS: dict[str, Any] = {
    "charts": 3,
    "kept": 2,
    "discarded": {"phi: name": 1},
    "discard_rate": 0.3333,
    "distinct_codes": 3,
    "distinct_by_domain": {"advanced_illness": 2, "frailty": 1, "sdoh": 0},
    "code_frequency": {"I50.23": 2, "N18.4": 1},
    "codes_by_frequency": {"2-4": 1, "1": 2},
    "labels_per_note": {"least": 1, "median": 2, "mean": 1.5, "p95": 2, "most": 2},
    "words_per_note": {"least": 20, "median": 31, "mean": 29.4, "p95": 40, "most": 41},
    "traps": {"family_history": 2, "negated": 1},
    "note_types": {"progress_note": 2},
    "codes_not_kept": {"excludes1": 2, "suggested_not_written": 1},
    "compared": 2,
    "near_duplicates": 1,
    "near_duplicate_pairs": [["syn-7-000001", "syn-7-000000", 0.871]],
}


def synthesis_run(
    *,
    name: str = "heart-7",
    user: Any = None,
    ended: bool = True,
    kind: str = "icd10cm",
    counts: dict[str, Any] | None = None,
    setting: str = "inpatient",
    codes: dict[str, Any] | None = None,
    between: dict[str, Any] | None = None,
) -> SynthesisRun:
    """Two charts that may be used and one that the gate stopped; with counts where it has ended. `codes` and
    `between` in place of what every chart has, `counts` beside what was counted."""
    run = SynthesisRun.objects.create(
        name=name,
        kind=kind,
        writer="embedded",
        seed=7,
        settings={"count": 3, "domain": "advanced_illness", "release": "2026"},
        status="running",
        created_by=user,
    )
    for position in range(3):
        stopped = "phi: name" if position == 2 else ""
        SyntheticChart.objects.create(
            run=run,
            position=position,
            chart={
                "id": f"syn-7-{position:06d}",
                "text": NOTE,
                "setting": setting,
                "claim_type": "facility_inpatient",
                "date_of_service": "2026-03-02",
                "age": 78,
                "age_unit": "years",
                "sex": "F",
                "specialty": "cardiology",
            },
            codes=codes
            or (CODES if position != 1 else CODES | {"codes": [{"code": "I50.23", "lines": [2]}]}),
            intermediates=(between or BETWEEN) | {"discarded": stopped},
            discarded_reason=stopped,
            sha256=f"{position}" * 64,
        )
    if ended:
        run.status, run.counts = "done", COUNTS | (counts or {})
        run.ended_at = run.created_at + timedelta(seconds=75)
        run.save()
    return run


STATISTICS: dict[str, Any] = {
    "examples": {"train": 18204, "validation": 958},
    "patients": {"train": 9120, "validation": 480},
    "by_source": {"gold": 611, "signed_off": 14441, "synthetic": 4110},
    "composites": 4200,
    "without_codes": 12,
    "labels": 91020,
    "labels_per_example": {"min": 0, "median": 4, "mean": 4.75, "p95": 11, "max": 31},
    "negatives": 1400,
    "unlabelled": 220,
    "codes": {
        "distinct": 3104,
        "once": 410,
        "only_in_validation": 17,
        "chapters": {"E": 9000, "I": 21000},
        "most_frequent": [["I10", 4100], ["E11.22", 2000]],
    },
    "assistance": {"full": 60000, "none": 4000, "not_applicable": 27020},
    "origins": {"accepted": 58000, "added": 6000, "written": 27020},
    "lines": {"min": 3, "median": 61, "mean": 70.2, "p95": 190, "max": 800},
    "tokens": {
        "all": 71_400_000,
        "completion": 9_100_000,
        "per_example": {"min": 210, "median": 2900, "mean": 3726.3, "p95": 7800, "max": 8192},
    },
    "packing": {
        "size": 8192,
        "packs": 8884,
        "examples": 18204,
        "tokens": 71_400_000,
        "useful": 0.981,
        "useful_unpacked": 0.4788,
        "useful_padded_to_longest": 0.61,
    },
}


def manifest(*, deidentified: int = 14441) -> dict[str, Any]:
    return {
        "format": 1,
        "kind": "icd10cm",
        "prompt": "icd10cm-1",
        "prompt_version": "icd10cm-1",
        "tokenizer_sha256": "c" * 64,
        "pack_tokens": 8192,
        "split": {"salt": "one", "validation": 0.05},
        "augment": 0.3,
        "unlabelled": "settled",
        "sources": [
            {"kind": "signed_off", "source": "signed-off until 2026-11-01", "examples": 14441},
            {"kind": "synthetic", "source": "synthetic:heart-7", "sha256": "d" * 64, "examples": 4110},
        ],
        "left_out": {"near_duplicate": 310, "too_long": 44, "restricted_without_authority": 7},
        "deidentified": {"charts": deidentified, "replaced": {"name": 5100, "date": 21000}},
        "leak_check": {
            "sets": ["Frailty v1", "Illness v2"],
            "charts": 311,
            "charts_without_text": 0,
            "examples": 19162,
            "leaks": 0,
        },
        "statistics": STATISTICS,
        "files": {
            "train.jsonl": {"rows": 18204, "bytes": 310_000_000, "sha256": "e" * 64},
            "validation.jsonl": {"rows": 958, "bytes": 900_000, "sha256": "f" * 64},
        },
    }


def dataset_version(
    *, name: str = "coding", version: int = 7, user: Any = None, path: str = "coding-7", **more: Any
) -> DatasetVersion:
    return DatasetVersion.objects.create(
        name=name,
        version=version,
        kind="icd10cm",
        manifest=manifest(**more),
        sha256="b" * 64,
        statistics=STATISTICS,
        path=path,
        created_by=user,
        created_at=timezone.now(),
    )


def dataset_build(*, user: Any = None, **values: Any) -> DatasetBuild:
    asked = AskedDataset("/models/tiny", signed_off=True)
    return DatasetBuild.objects.create(name="coding", asked=as_json(asked), created_by=user, **values)


PLAN: dict[str, Any] = {
    "parameters": 70_553_706_496,
    "trained_parameters": 207_093_760,
    "examples": 72_816,
    "tokens": 285_600_000,
    "packs": 8884,
    "steps": 1824,
    "device_memory": 101_000_000_000,
    "host_memory": 500_000_000_000,
    "activations": 9_000_000_000,
    "flops": 8.1e19,
    "stated_mfu": 0.35,
    "seconds": 9000.0,
    "disk": 310_000_000_000,
    "fits": True,
}


def training_job(
    *,
    status: str = "running",
    steps: int = 40,
    of: int = 100,
    user: Any = None,
    dataset: DatasetVersion | None = None,
    resources: dict[str, Any] | None = None,
    run_dir: str = "job-of-test",
    **more: Any,
) -> TrainingJob:
    """A job that is at work, with `steps` rows; its curves fall as real ones do."""
    now = timezone.now()
    job = TrainingJob.objects.create(
        name="coding",
        dataset=dataset,
        base="/models/llama-3.3-70b",
        method="lora",
        recipe=to_dict(Recipe()),
        resources=to_dict(Resources(processes=8, memory_gb=150, peak_tflops=989)) | (resources or {}),
        slot="node-a",
        status=status,
        run_dir=run_dir,
        attempt=1,
        heartbeat_at=now,
        step=steps,
        steps=of,
        plan=PLAN,
        created_by=user,
        started_at=now - timedelta(minutes=72),
        **more,
    )
    TrainingStep.objects.bulk_create(step_of(job, number, of) for number in range(1, steps + 1))
    return job


def step_of(job: TrainingJob, number: int, of: int = 100) -> TrainingStep:
    return TrainingStep(
        job=job,
        step=number,
        loss=round(2 / (1 + number / 8) + 0.02 * (number % 3), 4),
        validation_loss=round(2.1 / (1 + number / 8), 4) if number % 10 == 0 else None,
        learning_rate=1e-5 * (1 - number / of),
        grad_norm=0.5 + 0.1 * (number % 4),
        tokens=32_768 * number,
        tokens_per_second=7_400.0 + number % 7,
        mfu=0.397,
        host_memory=611 * 1024**3,
        gpu_memory=121 * 1024**3,
        at=timezone.now() - timedelta(seconds=9 * (of - number)),
    )
