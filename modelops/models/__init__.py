"""Rows of the learning loop: model versions, how well each did, and how each was trained."""

from modelops.models.calibration import Calibration
from modelops.models.dataset import DatasetVersion
from modelops.models.evaluation import EvaluationChart, EvaluationRun
from modelops.models.model_version import ModelVersion
from modelops.models.promotion import Promotion, ShadowScore
from modelops.models.synthesis import SynthesisRun, SyntheticChart
from modelops.models.training import TrainingJob, TrainingStep
from modelops.models.work import Work

__all__ = [
    "Calibration",
    "DatasetVersion",
    "EvaluationChart",
    "EvaluationRun",
    "ModelVersion",
    "Promotion",
    "ShadowScore",
    "SynthesisRun",
    "SyntheticChart",
    "TrainingJob",
    "TrainingStep",
    "Work",
]
