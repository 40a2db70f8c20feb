"""Fixtures of the review application's tests."""

from tests.coding_review.audit_sample import log

__all__ = ["log"]
