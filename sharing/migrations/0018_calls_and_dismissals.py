from django.db import migrations, models

import sharing.models.base


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0015_indexes_for_claiming"),
    ]

    operations = [
        migrations.CreateModel(
            name="Hearing",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                ("rung_at", models.DateTimeField(default=sharing.models.base.long_ago)),
                ("asked_at", models.DateTimeField(null=True)),
                ("heard_at", models.DateTimeField(null=True)),
                ("since", models.DateTimeField(null=True)),
            ],
        ),
    ]
