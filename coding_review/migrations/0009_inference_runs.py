from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('coding_review', '0008_evaluation_jobs'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='predictionrun',
            name='question_asked_once',
        ),
        migrations.AddField(
            model_name='predictionrun',
            name='adapter',
            field=models.CharField(blank=True, max_length=120),
        ),
        migrations.AddField(
            model_name='predictionrun',
            name='fallback_from',
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AddField(
            model_name='predictionrun',
            name='outage_attempts',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='predictionrun',
            name='outage_since',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='predictionrun',
            name='prompt_hash',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AlterField(
            model_name='predictionrun',
            name='prompt_version',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name='predictionrun',
            name='queue',
            field=models.CharField(default='predict', max_length=40),
        ),
        migrations.AddField(
            model_name='predictionrun',
            name='usage',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AlterField(
            model_name='predictionrun',
            name='status',
            field=models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='queued', max_length=10),
        ),
        migrations.AddConstraint(
            model_name='predictionrun',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['failed', 'cancelled']), _negated=True), fields=('code_set', 'question_hash'), name='question_asked_once'),
        ),
    ]
