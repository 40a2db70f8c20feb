import django.contrib.postgres.fields
import pgvector.django.halfvec
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("catalog", "0002_tables"),
    ]

    operations = [
        migrations.AddField(
            model_name="vectorset",
            name="editions",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), default=list, size=None
            ),
        ),
        migrations.AlterField(
            model_name="termvector",
            name="vector",
            field=pgvector.django.halfvec.HalfVectorField(),
        ),
    ]
