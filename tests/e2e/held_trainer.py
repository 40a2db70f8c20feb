"""The trainer, whose first attempt waits at the end of a step until it is asked to stop: on no machine can it be done
before somebody cancels it. Run by the Python of the training environment: `python -m tests.e2e.held_trainer STEP RUN`.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from modelops.training import entrypoint, watching


class HeldWatcher(watching.Watcher):
    held_at = 0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._attempt == 1 and state.global_step == self.held_at:
            while not self._folder.cancel.exists():
                time.sleep(0.05)
        super().on_step_end(args, state, control, **kwargs)


if __name__ == "__main__":
    HeldWatcher.held_at = int(sys.argv[1])
    # The trainer takes it from there when it begins.
    watching.Watcher = HeldWatcher
    sys.exit(entrypoint.main(sys.argv[2:]))
