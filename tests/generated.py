"""Which examples the generated tests look at, and how many.

"fixed", the default: the same examples on every machine and in every run, so that a failure is somebody's change.
"search" (HYPOTHESIS_PROFILE=search): others in every run and twenty times as many, or HYPOTHESIS_TIMES; for a person
who looks for faults.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.internal.constants_ast import Constants

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "fixed")
TIMES = int(os.environ.get("HYPOTHESIS_TIMES", "20"))


def install() -> None:
    # Time says nothing about correctness where two cores are shared by browsers, servers and workers.
    common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    settings.register_profile("fixed", derandomize=True, max_examples=100, **common)
    settings.register_profile("search", max_examples=100 * TIMES, print_blob=True, **common)
    settings.load_profile(PROFILE)
    if PROFILE == "fixed":
        # Hypothesis draws some values from the constants of all modules that happen to be imported by then: with
        # them the examples would depend on the tests that ran before in the same process.
        assert hasattr(HypothesisProvider, "_local_constants")
        HypothesisProvider._local_constants = Constants()


def examples(count: int) -> settings:
    """Instead of `settings(max_examples=count)`, where examples are dear: more of them in a search."""
    return settings(max_examples=count * settings.default.max_examples // 100)
