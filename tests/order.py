"""Which files begin first where several processes share them (`make test`): the longest, so that all end together.

pytest-xdist hands out a file at a time, those with the most tests first unless it is told to keep the order
(--no-loadscope-reorder); those that take longest have the fewest tests, and one of them would run alone in the end.
"""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
# Everything that takes more than half a minute on two cores, the longest first; what trains and serves models, with
# more than one busy process, apart from one another where it can be.
LONG = (
    "deepspeed/test_training.py",
    "faults/test_prediction_survives.py",
    "coding_review/test_demo_command.py",
    "e2e/test_accessibility.py",
    "modelops/llm/test_real_vllm.py",
    "faults/test_inference_workers.py",
    "mini/test_miniature.py",
    "coding_review/test_hostile_input.py",
    "deepspeed/test_local_transformers.py",
    "e2e/test_review_behaviour.py",
    "e2e/test_real_training.py",
    "e2e/test_learning_pages.py",
    "coding_review/test_access.py",
    "e2e/test_evaluation.py",
    "coding_review/test_localservers.py",
    "coding_review/test_demo_gold_study.py",
    "e2e/test_whole_job.py",
    "e2e/test_gold.py",
    "e2e/test_encoder_keys.py",
    "deepspeed/test_gpu_train.py",
    "modelops/llm/test_under_load.py",
    "e2e/test_findings_keys.py",
    "modelops/llm/test_pool.py",
    "catalog/edits/test_every_check.py",
    "faults/test_evaluation_survives.py",
    "coding_review/test_only_valid_codes.py",
    "e2e/test_pages_axe.py",
    "coding_review/test_api_access.py",
    "faults/test_import_survives.py",
    "faults/test_training_survives.py",
    "coding_review/test_posts_again.py",
    "modelops/llm/test_client_faults.py",
)
_PLACES = {TESTS / name: place for place, name in enumerate(LONG)}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The order within a file, and of all other files, stays.
    items.sort(key=lambda item: _PLACES.get(item.path, len(LONG)))
