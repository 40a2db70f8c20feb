"""manage.py general_knowledge VERSION before|after: what a model knows in general, by lm-evaluation-harness."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from coding_review.actions.store_knowledge import store_knowledge
from modelops.evaluation.knowledge.harness import TASKS, Checkpoint, Endpoint, HarnessFailed, measure
from modelops.evaluation.knowledge.kept import STAGES
from modelops.models import ModelVersion


class Command(BaseCommand):
    help = (
        "Measures accuracy on local files of MedMCQA, MedQA, MMLU and PubMedQA with lm-evaluation-harness, which "
        "`make knowledge` installs into an environment of its own, and stores it with the model version. Nothing is "
        "fetched: the files lie in --data."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model_version", type=int, metavar="VERSION", help="number of the model version")
        parser.add_argument(
            "stage", choices=STAGES, help="the base model (before) or the trained one (after)"
        )
        parser.add_argument(
            "--data",
            type=Path,
            required=True,
            metavar="FOLDER",
            help=f"with {', '.join(f'{name}.jsonl' for name in TASKS)}; an absent one is left out",
        )
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--checkpoint", type=Path, metavar="FOLDER", help="weights and tokenizer")
        where.add_argument("--endpoint", metavar="URL", help="server with /v1/completions")
        parser.add_argument("--served-model", metavar="NAME", help="with --endpoint: the model's name there")
        parser.add_argument("--tokenizer", type=Path, metavar="FOLDER", help="with --endpoint: its tokenizer")
        parser.add_argument("--limit", type=int, metavar="N", help="at most N questions of each file")
        parser.add_argument("--seconds", type=float, default=3600, help="stop the harness after so long")
        parser.add_argument(
            "--python",
            type=Path,
            default=settings.BASE_DIR / ".venv-knowledge" / "bin" / "python",
            help="of the harness's environment (default: what make knowledge made)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        target = self._target(options)
        # Before an hour of questions, not after it.
        if not ModelVersion.objects.filter(pk=options["model_version"]).exists():
            raise CommandError(f"There is no model version {options['model_version']}.")
        try:
            measured = measure(
                target,
                python=options["python"],
                data=options["data"],
                limit=options["limit"],
                seconds=options["seconds"],
            )
        except HarnessFailed as error:
            raise CommandError(str(error)) from error
        version = store_knowledge(None, options["model_version"], options["stage"], measured)
        for name, found in measured.tasks.items():
            self.stdout.write(f"{TASKS[name]}: {found.accuracy:.3f} of {found.questions} questions")
        self.stdout.write(f"Stored with {version} ({options['stage']}).")

    def _target(self, options: dict[str, Any]) -> Checkpoint | Endpoint:
        if options["checkpoint"] is not None:
            return Checkpoint(options["checkpoint"])
        if not options["served_model"] or options["tokenizer"] is None:
            raise CommandError("--endpoint needs --served-model and --tokenizer.")
        return Endpoint(options["endpoint"], options["served_model"], options["tokenizer"])
