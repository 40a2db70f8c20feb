from django.apps import AppConfig


class CodingReviewConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "coding_review"
