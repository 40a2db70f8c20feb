"""Settings of a gold project by preset, and what its report has to warn of."""

from __future__ import annotations

from dataclasses import dataclass

from coding_review.choices import Domain, GoldMode, GoldPreset, LabelSource

# Readings that a chart of the share gets where one is the rule.
DOUBLE = 2
MAX_SEEDED_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Protocol:
    """`charts` is how many are drawn unless told otherwise. The rest are fields of GoldProject."""

    mode: str = GoldMode.APPROVE_AND_ADD
    domains: tuple[str, ...] = ()
    charts: int = 100
    readings_per_chart: int = 1
    double_share: float = 0.0
    repeat_share: float = 0.05
    repeat_after_days: int = 14
    seeded_share: float = 0.0
    show_confidence: bool = False
    show_rationale: bool = False
    show_other_reading: bool = False
    mixed_readers: bool = True
    label_source: str = LabelSource.ENGINE
    qualification_threshold: float | None = None


ALL_DOMAINS = tuple(str(d.value) for d in Domain)

PRESETS: dict[str, Protocol] = {
    # As published: 100 charts, three domains, one reader, labels shown, approve or reject with a reason.
    GoldPreset.PAPER: Protocol(
        mode=GoldMode.APPROVE_ONLY, domains=ALL_DOMAINS, repeat_share=0.0, mixed_readers=False
    ),
    GoldPreset.FULL: Protocol(readings_per_chart=2, double_share=1.0, seeded_share=0.05),
    GoldPreset.CUSTOM: Protocol(),
}

# Settings that a preset is, so that a project may carry its name.
FIXED: dict[str, tuple[str, ...]] = {
    GoldPreset.PAPER: ("mode", "domains", "readings_per_chart", "double_share", "show_other_reading"),
    GoldPreset.FULL: ("mode", "readings_per_chart", "double_share", "show_other_reading"),
    GoldPreset.CUSTOM: (),
}

WARNINGS: dict[str, str] = {
    GoldMode.APPROVE_ONLY: (
        "Readers could approve or reject the labels shown and add none: recall sees only the labeller's codes, "
        "and a correct code that the labeller missed counts against who finds it."
    ),
    GoldMode.APPROVE_AND_ADD: "",
    GoldMode.BLIND: "",
}


def problems(protocol: Protocol) -> list[str]:
    """What does not go together; empty when it can be run."""
    found = [
        f"{name.replace('_', ' ').capitalize()} is a share from 0 to 1."
        for name in ("double_share", "repeat_share")
        if not 0 <= getattr(protocol, name) <= 1
    ]
    if not 1 <= protocol.readings_per_chart <= 3:
        found.append("A chart has one to three readings.")
    if not 0 <= protocol.seeded_share <= MAX_SEEDED_SHARE:
        found.append("At most 5% of the labels may be seeded checks.")
    if protocol.mode not in GoldMode.values:
        found.append("Choose how charts are read.")
    if protocol.mode == GoldMode.BLIND and protocol.label_source != LabelSource.NONE:
        found.append("Blind coding shows no labels: choose none as their source.")
    if protocol.mode != GoldMode.BLIND and protocol.label_source == LabelSource.NONE:
        found.append("Without labels there is nothing to approve: choose blind coding.")
    if protocol.mode == GoldMode.BLIND and protocol.seeded_share:
        found.append("Blind coding has no labels to seed.")
    if protocol.show_rationale and protocol.seeded_share:
        found.append("A seeded check has no rationale, so that showing it would tell: leave one of them out.")
    if protocol.label_source not in LabelSource.values:
        found.append("Choose where the labels come from.")
    if unknown := [d for d in protocol.domains if d not in Domain.values]:
        found.append(f"No such domain: {', '.join(unknown)}.")
    threshold = protocol.qualification_threshold
    if threshold is not None and not 0 <= threshold <= 1:
        found.append("The qualification threshold is an F1 from 0 to 1.")
    return found


def departures(preset: str, protocol: Protocol) -> list[str]:
    """The settings by which a protocol is not the preset whose name it would carry."""
    model = PRESETS[preset]
    return [name for name in FIXED[preset] if getattr(protocol, name) != getattr(model, name)]
