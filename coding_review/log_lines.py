"""How a line of the log is written: an error by its class and place, never by its words.

The words of an error are often those of a record: a database names the row that broke a rule, a parser the text
that it could not read. So a traceback keeps files, lines and functions, and of each error its class alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from errno import errorcode
from traceback import format_tb
from types import TracebackType

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_BETWEEN = "\nThe above is the cause or the context of:\n"
# What Celery's record of a failed task says in words.
_WORDS_OF_TASK = ("exc", "traceback", "args", "kwargs")


class WithoutWords(logging.Formatter):
    """An error class whose own words hold no text of a record says so by `logs_its_words = True`."""

    def format(self, record: logging.LogRecord) -> str:
        if not record.exc_info or record.exc_info[1] is None:
            return super().format(record)
        error = record.exc_info[1]
        kept = logging.makeLogRecord(record.__dict__ | {"exc_text": None})
        if isinstance(record.args, Mapping) and "exc" in record.args:
            kept.args = {**record.args, **dict.fromkeys(_WORDS_OF_TASK, _name(error))}
        elif isinstance(record.args, tuple):
            kept.args = tuple(_name(arg) if isinstance(arg, BaseException) else arg for arg in record.args)
        kept.msg, kept.args = _without_words_of(error, kept.getMessage()), None
        return super().format(kept)

    def formatException(self, ei: _ExcInfo) -> str:
        return "" if ei[1] is None else _BETWEEN.join(_told(each) for each in reversed(list(_chain(ei[1]))))


def _without_words_of(error: BaseException, message: str) -> str:
    for each in _chain(error):
        if not _logs_its_words(each):
            for words in (repr(each), str(each)):
                message = message.replace(words, type(each).__name__) if words else message
    return message


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, then what it came from; each once."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        hidden = current.__suppress_context__
        current = current.__cause__ or (None if hidden else current.__context__)


def _told(error: BaseException) -> str:
    return "Traceback (most recent call last):\n" + "".join(format_tb(error.__traceback__)) + _name(error)


def _name(error: BaseException) -> str:
    """The class, with the number that the database or the system gave: it says what, without the words."""
    number = getattr(error, "sqlstate", None) or errorcode.get(getattr(error, "errno", None) or 0)
    name = f"{type(error).__module__}.{type(error).__qualname__}" + (f" ({number})" if number else "")
    return f"{name}: {error}" if _logs_its_words(error) else name


def _logs_its_words(error: BaseException) -> bool:
    return getattr(error, "logs_its_words", False) is True
