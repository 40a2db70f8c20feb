"""Tasks whose rows are the truth: when the broker is away, the message is left out and the sweeper sends it."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from celery.contrib.django.task import DjangoTask
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from redis import Redis

log = logging.getLogger(__name__)

# After a failure nothing is sent for so long, or an import of a thousand encounters would wait a thousand times.
PAUSE_SECONDS = 10.0
_paused_until = 0.0


if TYPE_CHECKING:
    # Generic in celery-types only.
    _Task = DjangoTask[Any, None]
else:
    _Task = DjangoTask


class SweptTask(_Task):
    """A task that a sweep sends again for every row still waiting; so a broker that is away loses nothing."""

    def delay_on_commit(self, *args: Any, queue: str | None = None, **kwargs: Any) -> None:  # type: ignore[override]  # celery's own gives None
        """After the commit, which stands whether or not the broker takes the message."""
        transaction.on_commit(partial(self.send_or_leave, *args, queue=queue, **kwargs))

    def send_or_leave(self, *args: Any, queue: str | None = None, **kwargs: Any) -> bool:
        """Whether the broker took it; never raises for a broker that is away. `queue`: None for the task's own."""
        global _paused_until
        if time.monotonic() < _paused_until:
            return False
        try:
            if queue is None:
                self.delay(*args, **kwargs)
            else:
                self.apply_async(args, kwargs, queue=queue)
        except OperationalError:
            _paused_until = time.monotonic() + PAUSE_SECONDS
            log.warning("the broker is away: %s is left to the sweeper", self.name)
            return False
        return True


def waiting_in(queue: str) -> int:
    """How many messages a queue holds that no worker has taken (kombu keeps a queue as a list of its name)."""
    with Redis.from_url(settings.CELERY_BROKER_URL, socket_timeout=5, socket_connect_timeout=5) as broker:
        return int(cast(int, broker.llen(queue)))
