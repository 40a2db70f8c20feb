"""manage.py code_charts IN OUT: the batch interface without the web."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from catalog.choices import CodeSystem
from catalog.management.batch_command import BatchCommand, Written
from catalog.queries import latest_release
from modelops.batch import Bands, predict_lines
from modelops.engines.llm.config import GROUNDINGS
from modelops.engines.registry import get_engine, make_engine
from modelops.engines.types import Engine
from modelops.errors import ModelopsError


class Command(BatchCommand):
    help = (
        "Predicts codes for charts (JSONL, one chart a line) and writes one prediction a line. A line that is "
        "not a chart gets an error on its own output line and stops nothing. Gold fields (codes, optional, "
        "traps, domains, note_type) are tolerated and not read. '-' stands for standard input or output."
    )
    unit = "charts"
    source_help = "JSONL file of charts, or - for standard input"
    target_help = "JSONL file of predictions, or - for standard output"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--engine", default="", help="engine by name (default: the setting ENGINE)")
        parser.add_argument(
            "--raw-confidence",
            action="store_true",
            help="confidences as the engine gives them, for calibrate_engine",
        )
        server = parser.add_argument_group("engines that ask a language model's server, in place of LLM_*")
        server.add_argument(
            "--base-url", action="append", default=[], help="url or url=weight; again for a further server"
        )
        server.add_argument("--model", default="", help="name of the model to ask for")
        server.add_argument("--grounding", choices=GROUNDINGS, default=None)
        server.add_argument("--in-flight", type=int, default=None, help="charts at once")

    def prepare(self, options: dict[str, Any]) -> Callable[[Iterable[bytes]], Iterator[Written]]:
        try:
            engine = _engine(options)
        except (ModelopsError, OSError) as error:
            raise CommandError(str(error)) from error
        latest_release(CodeSystem.ICD10CM)
        bands = Bands(high=settings.BAND_HIGH, medium=settings.BAND_MEDIUM)
        at_once = options["in_flight"] or settings.LLM_IN_FLIGHT
        return lambda lines: predict_lines(
            lines, engine, bands, at_once=at_once, raw_confidence=options["raw_confidence"]
        )


def _engine(options: dict[str, Any]) -> Engine:
    """Raises UnknownEngine, BadLlmConfig, ServerUnavailable, and OSError where the key cannot be read."""
    name = options["engine"] or settings.ENGINE
    said = {
        "base_urls": tuple(options["base_url"]) or None,
        "model": options["model"] or None,
        "grounding": options["grounding"],
        "in_flight": options["in_flight"],
    }
    overrides = {field: value for field, value in said.items() if value is not None}
    return make_engine(name, overrides) if overrides else get_engine(name)
