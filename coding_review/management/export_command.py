"""What commands that write an export have in common: a file that appears whole or not at all, and whose it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from coding_review.errors import ReviewError
from coding_review.exports.files import Written


class ExportCommand(BaseCommand):
    """OUT with its SHA-256 in OUT.sha256, as sha256sum -c reads it; neither is ever overwritten."""

    def beside(self, out: Path) -> Path:
        """Where the SHA-256 goes. Raises CommandError where one of the two is there already."""
        beside = out.with_name(out.name + ".sha256")
        for path in (out, beside):
            if path.exists():
                raise CommandError(f"{path} exists; it is not overwritten.")
        return beside

    def write_whole(self, out: Path, write: Callable[[BinaryIO], Written]) -> Written:
        """Raises CommandError, also for what the export refuses."""
        beside = self.beside(out)
        unfinished = out.with_name(out.name + ".unfinished")
        try:
            with unfinished.open("xb") as file:
                try:
                    written = write(file)
                except BaseException:
                    unfinished.unlink()
                    raise
            beside.write_text(f"{written.sha256}  {out.name}\n", encoding="utf-8")
            unfinished.rename(out)
        except ReviewError as error:
            raise CommandError(error.message) from error
        except FileExistsError as error:
            raise CommandError(
                f"{unfinished} is there: another export to {out} is running, or one was killed. Remove it then."
            ) from error
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error}") from error
        return written

    def user_named(self, name: str | None) -> User | None:
        """None, the operator of the server, where no name is given. Raises CommandError."""
        if name is None:
            return None
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None:
            raise CommandError(f"No active user {name}.")
        return user
