"""What can go wrong below the application, one class a rule."""


class ModelopsError(Exception):
    """Base: `code` is stable, the message is for people and holds no note text."""

    code = "modelops_error"


class EngineError(ModelopsError):
    code = "engine_error"

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class FilesNotCompared(EngineError):
    """A model version's files are too many to be read while somebody waits, and no worker has read them yet."""

    code = "files_not_compared"

    def __init__(self) -> None:
        super().__init__(
            "The model version's files have not been compared with their hashes.", retryable=True
        )


class UnknownEngine(ModelopsError):
    code = "unknown_engine"


class LlmError(EngineError):
    """What a language model's server did to a chart. No message holds text of the chart or of the server."""

    code = "llm_error"
    message = "The language model's server failed."
    can_be_retried = False

    def __init__(self, message: str = "", *, retryable: bool | None = None) -> None:
        """Without a message the class's own; `retryable` only where one case differs from its class."""
        super().__init__(
            message or self.message, retryable=self.can_be_retried if retryable is None else retryable
        )


class NoKey(LlmError):
    """The file with the servers' key is not there, or holds none. The message quotes nothing of it."""

    code = "llm_no_key"
    message = "The key of the language model's server cannot be read."


class ServerUnavailable(LlmError):
    """Not reached, connection broken, 5xx, or no server of a pool left. `status`: what the server answered with, 0
    where nothing came."""

    code = "llm_unavailable"
    message = "The language model's server cannot be reached or fails."
    can_be_retried = True

    def __init__(self, message: str = "", *, status: int = 0, retryable: bool | None = None) -> None:
        super().__init__(message, retryable=retryable)
        self.status = status


class ServerBusy(LlmError):
    """429: `retry_after` is what the server asked for, in seconds, None where it said nothing."""

    code = "llm_busy"
    message = "The language model's server takes no more requests for now."
    can_be_retried = True

    def __init__(
        self, message: str = "", *, retry_after: float | None = None, retryable: bool | None = None
    ) -> None:
        super().__init__(message, retryable=retryable)
        self.retry_after = retry_after


class RequestRefused(LlmError):
    """Another 4xx: the same request would be refused again. `status` is the server's, 0 where there is none."""

    code = "llm_refused"
    message = "The language model's server refused the request."

    def __init__(self, message: str = "", *, status: int = 0, retryable: bool | None = None) -> None:
        super().__init__(message, retryable=retryable)
        self.status = status


class ContextTooLong(RequestRefused):
    """Prompt and room for the answer exceed what the model takes."""

    code = "llm_context_too_long"
    message = "The request is longer than the language model takes."


class WrongModel(LlmError):
    """The server does not have the model that was asked for, or answered with another."""

    code = "llm_wrong_model"
    message = "The language model's server does not run the model that was asked for."


class TooSlow(LlmError):
    """The chart's deadline passed."""

    code = "too_slow"
    message = "The language model took longer than the chart's time."


class OutputInvalid(LlmError):
    """The answer cannot be used: not what the protocol or the schema says, or too large."""

    code = "llm_invalid_output"
    message = "The language model's answer could not be used."


class Cancelled(LlmError):
    """Somebody stopped it."""

    code = "cancelled"
    message = "The prediction was cancelled."
