from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0015_indexes_for_claiming"),
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
