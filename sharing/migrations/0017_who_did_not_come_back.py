from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0016_attempts_say_what_went_wrong"),
    ]

    operations = [
        migrations.AddField(
            model_name="driftcheck",
            name="unreturned",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="source",
            name="unreturned",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
    ]
