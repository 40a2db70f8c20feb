"""A bad setting is named by a numbered check."""

from __future__ import annotations

import pytest

from coding_review.checks import settings_make_sense


def ids() -> list[str]:
    return [message.id for message in settings_make_sense(None)]


def test_the_defaults_pass() -> None:
    assert ids() == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("BAND_HIGH", 0.5, ["coding_review.E001"]),
        ("BAND_MEDIUM", 0, ["coding_review.E001"]),
        ("LEASE_MINUTES", 0, ["coding_review.E002", "coding_review.W001"]),
        ("PREDICTION_ATTEMPTS", -1, ["coding_review.E002"]),
        ("ENGINE", "clairvoyant", ["coding_review.E003"]),
        ("ENGINES", {"embedded": "nowhere.Engine"}, ["coding_review.E004"]),
        ("API_TOKEN_DAYS", -1, ["coding_review.E006"]),
        ("API_TOKEN_DAYS", 0, []),
        ("API_RATE", "600", ["coding_review.E007"]),
        ("API_SIGN_IN_RATE", "0/minute", ["coding_review.E007"]),
        ("API_SIGN_IN_RATE", "20/hour", []),
        ("TIME_ZONE", "Mars/Olympus", ["coding_review.E005"]),
        ("EMBEDDING_MODEL", "/no/such/folder", ["coding_review.E009"]),
        ("LLM_RATE", "600/fortnight", ["coding_review.E007"]),
        ("LLM_CONTEXT_TOKENS", 1500, ["coding_review.E010"]),
        ("LLM_BASE_URLS", ["http://127.0.0.1:8000=none"], ["coding_review.E010"]),
        ("LLM_BASE_URLS", ["http://127.0.0.1:8000=2.5", "https://gpu-2/v1"], []),
        ("LLM_GROUNDING", "everything", ["coding_review.E010"]),
        ("LLM_CLOSED", True, ["coding_review.E010"]),
        ("HYBRID_HIGH", 1.1, ["coding_review.E012"]),
        ("HYBRID_AGREEING", -0.1, ["coding_review.E012"]),
        ("HYBRID_LEFT_OUT", ["past"], ["coding_review.E012"]),
        ("ENGINE", "vllm", ["coding_review.E011"]),
        ("LLM_API_KEY_FILE", "/no/such/key", ["coding_review.E012"]),
        ("IDLE_MINUTES", 60, ["coding_review.W001"]),
        ("ALLOW_LATEST_RELEASE", True, ["coding_review.W002"]),
    ],
)
def test_each_bad_value_has_its_number(settings, name: str, value: object, expected: list[str]) -> None:
    setattr(settings, name, value)
    assert ids() == expected


@pytest.mark.parametrize(
    "held", [b"", b" \n", b"two words", b"two\nlines", "schlüssel".encode(), b"\xff\xfe"]
)
def test_a_key_file_without_one_key_is_named_and_not_quoted(settings, tmp_path, held: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(held)
    settings.LLM_API_KEY_FILE = str(file)
    (message,) = settings_make_sense(None)
    assert (message.id, str(file) in message.msg) == ("coding_review.E012", True)
    assert [word for word in ("two", "lines", "schl") if word in message.msg] == []
    file.write_text("  s3cret-key\n")
    assert ids() == []
