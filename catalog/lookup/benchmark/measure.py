"""The measures of a description-to-code task. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from catalog.lookup.benchmark.meteor import by_words_and_stems

_Z = 1.959964
# The first title came, the second was wanted.
OfTitles = Callable[[str, str], float]


@dataclass(frozen=True, slots=True)
class Result:
    """One query: what was wanted, what came (best first; one a condition where several were asked), and how long by
    the clock and of the processor."""

    wanted: tuple[str, ...]
    got: tuple[str, ...]
    seconds: float
    multiple: bool = False
    cpu_seconds: float = 0.0

    @property
    def exact(self) -> bool:
        if self.multiple:
            return set(self.got) == set(self.wanted)
        return self.got[:1] == self.wanted


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95% interval of a share."""
    if not count:
        return 0.0, 1.0
    share = hits / count
    middle = share + _Z**2 / (2 * count)
    width = _Z * sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    whole = 1 + _Z**2 / count
    return (middle - width) / whole, (middle + width) / whole


def figures(
    results: Sequence[Result],
    titles: Mapping[str, str],
    meteor: OfTitles = by_words_and_stems,
    similarity: OfTitles | None = None,
) -> dict[str, float | int]:
    """`titles` are those of every billable code: what is in it is valid, anything else fabricated.

    `similarity`: of the title that came and the wanted one by an embedding; without one the figure is left out. Of
    codes, the first of each query counts; where several were asked, all, in category and validity.
    """
    count = len(results)
    hits = sum(result.exact for result in results)
    low, high = wilson(hits, count)
    firsts = [(result.wanted[0], result.got[0] if result.got else "") for result in results]
    given = [code for result in results for code in (result.got if result.multiple else result.got[:1])]
    fabricated = sum(code not in titles for code in given)
    times = sorted(result.seconds for result in results)
    busy = sorted(result.cpu_seconds for result in results)
    return {
        "n": count,
        "exact": hits / count,
        "low": low,
        "high": high,
        "category": sum(_same_categories(result) for result in results) / count,
        "valid": (len(given) - fabricated) / len(given) if given else 0.0,
        "fabricated": fabricated / len(given) if given else 0.0,
        "mrr": sum(_reciprocal(result) for result in results) / count,
        "hit5": sum(_is_within(result, 5) for result in results) / count,
        "hit10": sum(_is_within(result, 10) for result in results) / count,
        "meteor": _mean_of_titles(meteor, firsts, titles),
        **({} if similarity is None else {"similarity": _mean_of_titles(similarity, firsts, titles)}),
        "same_length": sum(len(wanted) == len(got) for wanted, got in firsts) / count,
        "same_digits": sum(_same_digits(wanted, got) for wanted, got in firsts) / count,
        "p50_ms": 1000 * times[count // 2],
        "p95_ms": 1000 * times[min(count - 1, int(count * 0.95))],
        "p50_cpu_ms": 1000 * busy[count // 2],
        "p95_cpu_ms": 1000 * busy[min(count - 1, int(count * 0.95))],
    }


def _is_within(result: Result, most: int) -> bool:
    return result.exact if result.multiple else result.wanted[0] in result.got[:most]


def _mean_of_titles(measure: OfTitles, firsts: Sequence[tuple[str, str]], titles: Mapping[str, str]) -> float:
    return sum(measure(titles.get(got, ""), titles[wanted]) for wanted, got in firsts) / len(firsts)


def _same_categories(result: Result) -> bool:
    got = result.got if result.multiple else result.got[:1]
    return {code[:3] for code in got} == {code[:3] for code in result.wanted}


def _reciprocal(result: Result) -> float:
    if result.multiple:
        return float(result.exact)
    return next((1 / rank for rank, code in enumerate(result.got, start=1) if code == result.wanted[0]), 0.0)


def _same_digits(wanted: str, got: str) -> float:
    one, other = wanted.replace(".", ""), got.replace(".", "")
    return sum(a == b for a, b in zip(one, other, strict=False)) / max(len(one), len(other))
