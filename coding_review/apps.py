from django.apps import AppConfig
from django.core.checks import register


class CodingReviewConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "coding_review"

    def ready(self) -> None:
        # Here and not above: the models are loaded only now.
        from coding_review import checks, sessions

        sessions.connect()
        register(checks.settings_make_sense)
