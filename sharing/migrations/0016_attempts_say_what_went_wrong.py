from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0015_indexes_for_claiming"),
    ]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="problem",
            field=models.CharField(blank=True, db_default="", default="", max_length=255),
        ),
        migrations.AddField(
            model_name="attempt",
            name="excerpt",
            field=models.CharField(blank=True, db_default="", default="", max_length=2048),
        ),
    ]
