"""What can go wrong below the application, one class a rule."""


class ModelopsError(Exception):
    """Base: `code` is stable, the message is for people and holds no note text."""

    code = "modelops_error"


class EngineError(ModelopsError):
    code = "engine_error"

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class UnknownEngine(ModelopsError):
    code = "unknown_engine"
