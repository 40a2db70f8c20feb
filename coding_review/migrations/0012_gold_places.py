from django.db import migrations, models

_ROLES = [
    ("principal", "Principal"),
    ("first_listed", "First-listed"),
    ("secondary", "Secondary"),
    ("admitting", "Admitting"),
    ("reason_for_visit", "Reason for visit"),
    ("external_cause", "External cause"),
]
_INDICATORS = [
    ("Y", "Y (present)"),
    ("N", "N (not present)"),
    ("U", "U (documentation insufficient)"),
    ("W", "W (clinically undetermined)"),
    ("1", "Exempt"),
]


def _placed(model: str) -> list[migrations.AddField]:
    return [
        migrations.AddField(
            model_name=model,
            name="role",
            field=models.CharField(blank=True, choices=_ROLES, max_length=20),
        ),
        migrations.AddField(
            model_name=model,
            name="poa",
            field=models.CharField(blank=True, choices=_INDICATORS, max_length=1),
        ),
        migrations.AddField(
            model_name=model, name="sequence", field=models.PositiveIntegerField(blank=True, null=True)
        ),
    ]


class Migration(migrations.Migration):
    """Role, present on admission and place of a gold code: of labels and rulings, and the place in frozen sets. An
    evaluation's worker shows signs of life, so that a lost one is noticed."""

    dependencies = [
        ("coding_review", "0011_candidate_evaluations"),
    ]

    operations = [
        *_placed("goldlabel"),
        *_placed("goldruling"),
        migrations.AddField(
            model_name="goldsetlabel",
            name="sequence",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="evaluationjob", name="attempts", field=models.PositiveSmallIntegerField(default=0)
        ),
        migrations.AddField(
            model_name="evaluationjob",
            name="heartbeat_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
