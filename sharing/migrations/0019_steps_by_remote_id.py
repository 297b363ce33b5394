from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0018_calls_and_dismissals"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="step",
            index=models.Index(fields=["remote_id"], name="steps_by_remote_id"),
        ),
    ]
