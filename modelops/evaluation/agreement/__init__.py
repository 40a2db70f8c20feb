"""Agreement between readers of a gold project. Pure: rows in, figures out."""

from modelops.evaluation.agreement.report import agreement, summary
from modelops.evaluation.agreement.rows import Judged, ReadingKind, Source, Verdict

__all__ = ["Judged", "ReadingKind", "Source", "Verdict", "agreement", "summary"]
