"""Bodies of requests: JSON read as strictly as the batch interface, and not without end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser
from rest_framework.utils import json as strict_json

MAX_BODY_BYTES = 64 * 1024 * 1024


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "too_large"
    default_detail = f"The body is over {MAX_BODY_BYTES // 1024 // 1024} MiB; send fewer objects at a time."


class StrictJSONParser(JSONParser):
    """As DRF's, and refuses with 400 what would otherwise be guessed at: a field that is there twice.

    A body nested too deep for Python is the sender's mistake, not a fault of the server.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        # The server gives a stream of Content-Length bytes: one more than allowed tells that it is too long.
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge
        try:
            return json.loads(
                body.decode("utf-8"),
                object_pairs_hook=_without_repeats,
                parse_constant=strict_json.strict_constant,
            )
        except UnicodeDecodeError as error:
            raise ParseError("The body is not UTF-8.") from error
        except json.JSONDecodeError as error:
            raise ParseError(f"Not valid JSON: {error.msg} (line {error.lineno}).") from error
        except RecursionError as error:
            raise ParseError("Not valid JSON: nested too deep.") from error
        except ValueError as error:
            # NaN and Infinity, and integers of thousands of digits.
            raise ParseError("Not valid JSON: a number that is none.") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ParseError(f"The field {name[:40]!r} is there twice.")
        found[name] = value
    return found
