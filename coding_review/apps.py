from django.apps import AppConfig


class CodingReviewConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "coding_review"

    def ready(self) -> None:
        # Here and not above: the models are loaded only now.
        from coding_review import sessions

        sessions.connect()
