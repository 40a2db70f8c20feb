#!/usr/bin/env python
"""Django's command line; starts the embedded servers first when no server addresses are given."""

import os
import sys

from coding_review import localservers

# These neither read nor write data.
_WITHOUT_SERVERS = {"help", "version", "--help", "-h", "--version"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coding_review.settings")
    if len(sys.argv) > 1 and not _WITHOUT_SERVERS & {sys.argv[1], *sys.argv[-1:]}:
        localservers.leave_on_signals()
        try:
            localservers.ensure()
        except localservers.LocalServersError as error:
            localservers.leave(error)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
