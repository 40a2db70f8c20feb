"""Published figures of language models on the same kind of task, none of which had a lookup tool."""

from __future__ import annotations

# (who, what, exact match, share of codes that do not exist; None where not reported)
PUBLISHED: tuple[tuple[str, str, float, float | None], ...] = (
    ("GPT-4", "description to ICD-10-CM code, Soroush et al. 2024", 0.339, 0.185),
    ("a fine-tuned model", "description to ICD-10-CM code, Hou et al. 2025", 0.988, None),
)
