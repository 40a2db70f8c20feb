"""An age in its unit as the checks compare it."""

import pytest

from catalog.edits.ages import AGE_UNITS, age_in


@pytest.mark.parametrize(
    ("age", "unit", "years", "days"),
    [
        (64.9, "years", 64, None),
        (0, "years", 0, None),
        (11.9, "months", 0, None),
        (12, "months", 1, None),
        (52, "weeks", 0, 364),
        (53, "weeks", 1, 371),
        # 28 mean years to the day; a year taken as 52.2 weeks would leave it at 27.
        (1461, "weeks", 28, 10227),
        (1460, "weeks", 27, 10220),
        (365, "days", 0, 365),
        (366, "days", 1, 366),
        (None, "years", None, None),
        (3, "", None, None),
        (3, "decades", None, None),
    ],
)
def test_age_in_its_unit(age, unit, years, days):
    assert age_in(age, unit) == (years, days)


def test_every_unit_gives_years():
    assert [age_in(0, unit)[0] for unit in AGE_UNITS] == [0, 0, 0, 0]
