from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0020_quarantine_remarks"),
    ]

    operations = [
        migrations.AddField(
            model_name="driftcheck",
            name="given_up",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="driftcheck",
            name="in_doubt",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
    ]
