"""A language model behind an OpenAI-compatible address, asked for the code of a description."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from catalog.errors import CatalogError

_TIMEOUT = 60.0
# Our own words for the task of Soroush et al. 2024: the description, and nothing but a code wanted.
_PROMPT = (
    "You are a medical billing coder. Give the single ICD-10-CM code that this description is the official title "
    "of. Answer with the code alone.\nDescription: "
)
_CODE = re.compile(r"\b[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?\b")


class EndpointFailed(CatalogError):
    code = "endpoint_failed"
    status = 502


@contextmanager
def _in_form() -> Iterator[None]:
    try:
        yield
    except (KeyError, IndexError, TypeError) as error:
        raise EndpointFailed(f"The endpoint answered in another form: {type(error).__name__}.") from error


class Endpoint:
    """`url` is the base address ("http://127.0.0.1:8001/v1"); the first model that it names is asked."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url.rstrip("/"))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise EndpointFailed("The address begins with http:// or https:// and names a host.")
        self._parts = parts
        answer = self._ask("GET", "/models", None)
        with _in_form():
            self.model = str(answer["data"][0]["id"])

    def find(self, text: str) -> list[str]:
        answer = self._ask(
            "POST",
            "/chat/completions",
            {
                "model": self.model,
                "messages": [{"role": "user", "content": f"{_PROMPT}{text}"}],
                "temperature": 0,
                "max_tokens": 24,
            },
        )
        with _in_form():
            said = str(answer["choices"][0]["message"]["content"])
        return _CODE.findall(said.upper())[:1]

    def _ask(self, method: str, path: str, body: dict[str, object] | None) -> Any:
        """What was answered, whatever its form. Raises EndpointFailed."""
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(str(self._parts.hostname), self._parts.port, timeout=_TIMEOUT)
        try:
            connection.request(
                method,
                f"{self._parts.path}{path}",
                json.dumps(body) if body is not None else None,
                {"Content-Type": "application/json"},
            )
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise EndpointFailed(f"The endpoint answered {response.status}.")
            answer: Any = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise EndpointFailed(f"The endpoint did not answer: {type(error).__name__}.") from error
        finally:
            connection.close()
        return answer
