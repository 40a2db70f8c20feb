"""A code over the releases of its system: since when it is there, how it was called, what it became."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from catalog.choices import GROUP_KINDS
from catalog.keys import code_key
from catalog.models import Code, Release


class Happened(StrEnum):
    """What a release did to the code, against the loaded release before it; the value is what pages say."""

    EARLIEST = "in the earliest release loaded"
    NEW = "new"
    RETITLED = "retitled"
    BILLABLE = "billable from here on"
    HEADER = "no longer billable: more specific codes"
    DELETED = "deleted"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Step:
    """`title` is empty where the release does not have the code, `title_before` where it is the same.

    `others`: of a new code what was billed in its place, of a deleted or divided one what is billed instead, as far
    as the hierarchy of the two releases says so; each is in `others_release`.
    """

    release: Release
    happened: Happened
    title: str
    title_before: str = ""
    billable: bool = False
    others: tuple[Code, ...] = ()
    others_release: Release | None = None


_FIELDS = ("code", "key", "kind", "title", "billable", "parent_id", "release_id")


def history_of(system: str, code: str, kind: str = "") -> tuple[Step, ...]:
    """Newest first; empty where no loaded release has the code. Of releases that begin on one day the one that is
    used counts. `kind`: of a block or chapter, which may be called like a category."""
    key = code_key(code)
    releases = _in_order(system)
    nodes = Code.objects.filter(release__in=releases, key=key).only(*_FIELDS)
    grouped = kind in GROUP_KINDS
    of_release = {node.release_id: node for node in nodes if (node.kind in GROUP_KINDS) == grouped}
    steps: list[Step] = []
    first = next((release for release in releases if release.pk in of_release), None)
    if first is None:
        return ()
    if first == releases[0]:
        node = of_release[first.pk]
        steps.append(Step(first, Happened.EARLIEST, node.title, billable=node.billable))
    for before, after in pairwise(releases):
        was, now = of_release.get(before.pk), of_release.get(after.pk)
        if was is not None or now is not None:
            steps.append(_step(before, after, was, now))
    return tuple(reversed(steps))


def _in_order(system: str) -> list[Release]:
    """Oldest first, one for each first day: usable() gives the one that is used before the others."""
    used: dict[object, Release] = {}
    for release in Release.objects.usable(system):
        used.setdefault(release.valid_from, release)
    return sorted(used.values(), key=lambda release: release.valid_from)


def _step(before: Release, after: Release, was: Code | None, now: Code | None) -> Step:
    if now is None:
        assert was is not None, "one of the two releases has the code"  # noqa: S101  a mistake of the caller
        others = _billed_above(after, was)
        return Step(after, Happened.DELETED, "", was.title, others=others, others_release=after)
    if was is None:
        others = _billed_above(before, now)
        return Step(
            after, Happened.NEW, now.title, billable=now.billable, others=others, others_release=before
        )
    title_before = "" if was.title == now.title else was.title
    if was.billable and not now.billable:
        others = tuple(Code.objects.children_of(now).only(*_FIELDS))
        return Step(after, Happened.HEADER, now.title, title_before, others=others, others_release=after)
    happened = Happened.UNCHANGED
    if now.billable and not was.billable:
        happened = Happened.BILLABLE
    elif title_before:
        happened = Happened.RETITLED
    return Step(after, happened, now.title, title_before, now.billable)


def _billed_above(release: Release, node: Code) -> tuple[Code, ...]:
    """The code above the node, where the release bills it: what a new code divides, what deleted ones became."""
    if node.parent_id is None:
        return ()
    parent = Code.objects.filter(pk=node.parent_id).exclude(kind__in=GROUP_KINDS).only("key").first()
    if parent is None:
        return ()
    return tuple(Code.objects.of(release).billable().filter(key=parent.key).only(*_FIELDS))
