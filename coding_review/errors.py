"""One class a rule: a stable code, typed data, an HTTP status. Messages hold no note text and no names.

coding_review/web/http.py and coding_review/api/errors.py map them to pages and to problem+json.
"""

from __future__ import annotations

from typing import Any


class ReviewError(Exception):
    code = "review_error"
    status = 400
    title = "This could not be done"

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.data = data

    @property
    def headers(self) -> dict[str, str]:
        """What the answer says besides its body."""
        return {}


class NotAllowed(ReviewError):
    code = "not_allowed"
    status = 403
    title = "Not allowed"


class WrongStatus(ReviewError):
    """The status machine has no such step from here."""

    code = "wrong_status"
    status = 409
    title = "Not possible in this status"


class NotYours(ReviewError):
    """The encounter is with someone else, or the lease is not held."""

    code = "not_yours"
    status = 409
    title = "With someone else"


class StalePage(ReviewError):
    """The row changed since the page was made: data holds both states (ids and codes)."""

    code = "stale_page"
    status = 409
    title = "Changed meanwhile"


class ActReused(ReviewError):
    """A client's id of an act names another act already: nothing was done."""

    code = "act_reused"
    status = 409
    title = "The id of the act is used already"


class SignOffBlocked(ReviewError):
    code = "sign_off_blocked"
    status = 409
    title = "Sign-off is blocked"


class Frozen(ReviewError):
    """A signed code set is not changed; it is reopened as a new version."""

    code = "frozen"
    status = 409
    title = "Signed off"


class GoldFrozen(ReviewError):
    """What a gold set was frozen from stays as it was; a chart of it can be withdrawn."""

    code = "gold_frozen"
    status = 409
    title = "Frozen"


class GateFailed(ReviewError):
    """A model version does not show what it must before it answers; data: rows."""

    code = "gate_failed"
    status = 409
    title = "The promotion gate"


class InvalidProtocol(ReviewError):
    """The settings of a gold project do not go together, or its charts cannot be drawn so."""

    code = "invalid_protocol"
    status = 422
    title = "The gold project is not complete"


class InvalidDecision(ReviewError):
    code = "invalid_decision"
    status = 422
    title = "The decision is not complete"


class FilesChanged(InvalidDecision):
    """A model version's files are not those that were trained, measured and approved."""

    code = "files_changed"
    status = 409
    title = "The model's files"


class FilesNotCompared(InvalidDecision):
    """A model version's files are large, and no worker has compared them as they are now with their hashes."""

    code = "files_not_compared"
    status = 409
    title = "The model's files"


class InvalidCode(ReviewError):
    code = "invalid_code"
    status = 422
    title = "Not a code that can be used here"


class InvalidEvidence(ReviewError):
    code = "invalid_evidence"
    status = 422
    title = "The selected text does not match the document"


class NothingToUndo(ReviewError):
    code = "nothing_to_undo"
    status = 409
    title = "Nothing to undo"


class NothingToDo(ReviewError):
    """No encounter is waiting that this user may take."""

    code = "nothing_waiting"
    status = 404
    title = "Nothing is waiting"


class InvalidImport(ReviewError):
    code = "invalid_import"
    status = 422
    title = "Could not be read"


class TooManyRows(ReviewError):
    """More than one request should carry; the message says what to do."""

    code = "too_many_rows"
    status = 422
    title = "Too many rows"


class Altered(ReviewError):
    """A row does not match the hash it was signed with."""

    code = "altered"
    status = 409
    title = "Altered after signing"


class InvalidSearch(ReviewError):
    code = "invalid_search"
    status = 422
    title = "The search is not complete"


class TooManySignIns(ReviewError):
    """Said whether or not the name exists and the password is right."""

    code = "too_many_sign_ins"
    status = 429
    title = "Too many attempts"

    def __init__(self, retry_after: int) -> None:
        """`retry_after`: in so many seconds a password is looked at again."""
        minutes = -(-retry_after // 60)
        wait = "a minute" if minutes == 1 else f"{minutes} minutes"
        super().__init__(
            f"Too many sign-ins have failed. Wait {wait}, then try again.", retry_after=retry_after
        )

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.data["retry_after"])}


class DatasetRefused(ReviewError):
    """No dataset is built of these examples; the message names ids only."""

    code = "dataset_refused"
    status = 409
    title = "The dataset was not built"
