"""Numbered system checks of the settings: what is wrong, where it is set, what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.utils.module_loading import import_string

from catalog.edits.site_table import read_site_table
from catalog.errors import LoadRefused
from coding_review.rules.drift import LIMITS as DRIFT_LIMITS
from coding_review.rules.promotion_gate import IDS as GATE_IDS
from modelops.engines.llm.config import BadLlmConfig, LlmConfig
from modelops.engines.sureness import BadSureness, Sureness
from modelops.errors import NoKey

_POSITIVE = (
    "LEASE_MINUTES",
    "IDLE_MINUTES",
    "SESSION_IDLE_MINUTES",
    "PREDICTION_ATTEMPTS",
    "PREDICTION_HEARTBEAT_SECONDS",
    "PREDICTION_SECONDS",
    "SWEEP_SECONDS",
)
_RATE = re.compile(r"([1-9]\d*/(second|minute|hour|day))?")


def settings_make_sense(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not 0 < settings.BAND_MEDIUM < settings.BAND_HIGH < 1:
        found.append(
            Error(
                f"BAND_MEDIUM ({settings.BAND_MEDIUM}) and BAND_HIGH ({settings.BAND_HIGH}) are not two"
                " numbers between 0 and 1 in this order.",
                id="coding_review.E001",
            )
        )
    found += [
        Error(f"{name} is {getattr(settings, name)}; it must be at least 1.", id="coding_review.E002")
        for name in _POSITIVE
        if getattr(settings, name) < 1
    ]
    if settings.API_TOKEN_DAYS < 0:
        found.append(
            Error(
                f"API_TOKEN_DAYS is {settings.API_TOKEN_DAYS}; it must be 0 or more.", id="coding_review.E006"
            )
        )
    found += [
        Error(
            f"{name} is {getattr(settings, name)!r}; it must be like 600/minute (second, minute, hour, day),"
            " or empty.",
            id="coding_review.E007",
        )
        for name in ("API_RATE", "API_SIGN_IN_RATE", "LLM_RATE")
        if not _RATE.fullmatch(getattr(settings, name))
    ]
    if settings.ENGINE not in settings.ENGINES:
        known = ", ".join(sorted(settings.ENGINES))
        found.append(
            Error(
                f"ENGINE is {settings.ENGINE!r}, which ENGINES does not have ({known}).",
                id="coding_review.E003",
            )
        )
    for name, path in settings.ENGINES.items():
        try:
            import_string(path)
        except ImportError:
            found.append(
                Error(
                    f"ENGINES: the engine {name!r} cannot be imported from {path!r}.", id="coding_review.E004"
                )
            )
    if settings.TIME_ZONE not in available_timezones():
        found.append(Error(f"TIME_ZONE {settings.TIME_ZONE!r} is not known here.", id="coding_review.E005"))
    if settings.CODE_EDITS_SITE_TABLE:
        try:
            read_site_table(Path(settings.CODE_EDITS_SITE_TABLE))
        except LoadRefused as error:
            found.append(Error(f"CODE_EDITS_SITE_TABLE: {error}", id="coding_review.E008"))
    if settings.EMBEDDING_MODEL and not Path(settings.EMBEDDING_MODEL).is_dir():
        found.append(
            Error(
                f"EMBEDDING_MODEL is {settings.EMBEDDING_MODEL!r}, which is no folder. Name the folder of a"
                " sentence-transformers or static model, or leave it empty for the shipped one.",
                id="coding_review.E009",
            )
        )
    for name, known_names in (("PROMOTION_GATE", GATE_IDS), ("DRIFT_LIMITS", DRIFT_LIMITS.keys())):
        if unknown := sorted(getattr(settings, name).keys() - known_names):
            there = ", ".join(sorted(known_names))
            found.append(
                Error(f"{name} names {', '.join(unknown)}; there are: {there}.", id="coding_review.E020")
            )
    found += _language_model()
    if settings.IDLE_MINUTES > settings.LEASE_MINUTES:
        found.append(
            Warning(
                f"IDLE_MINUTES ({settings.IDLE_MINUTES}) is longer than LEASE_MINUTES ({settings.LEASE_MINUTES}):"
                " time still counts when the lease has run out.",
                id="coding_review.W001",
            )
        )
    if settings.ALLOW_LATEST_RELEASE:
        found.append(
            Warning(
                "ALLOW_LATEST_RELEASE is on: encounters outside every loaded release are coded with the latest"
                " one; code sets and exports say so.",
                id="coding_review.W002",
            )
        )
    return found


def _language_model() -> list[CheckMessage]:
    try:
        config = LlmConfig.from_settings()
    except BadLlmConfig as error:
        return [Error(f"The settings LLM_*: {error}", id="coding_review.E010")]
    try:
        Sureness.from_settings()
    except BadSureness as error:
        return [Error(f"The settings HYBRID_*: {error}", id="coding_review.E012")]
    if settings.ENGINE in ("vllm", "hybrid") and not config.base_urls:
        return [
            Error(
                f"ENGINE is {settings.ENGINE!r}, and LLM_BASE_URLS names no server for it.",
                id="coding_review.E011",
            )
        ]
    try:
        config.api_key()
    except NoKey as error:
        return [Error(str(error), id="coding_review.E012")]
    return []
