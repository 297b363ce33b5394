from django.db import migrations, models

from audit.triggers import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only")]

    operations = [
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("size", models.BigIntegerField(primary_key=True, serialize=False)),
                ("root", models.BinaryField(max_length=32)),
                ("note", models.BinaryField()),
                ("signed_at", models.DateTimeField()),
                ("anchored_at", models.DateTimeField(null=True)),
            ],
            options={"ordering": ["size"]},
        ),
        migrations.CreateModel(
            name="SignerState",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("refusal", models.CharField(blank=True, default="", max_length=32)),
                ("since", models.DateTimeField()),
            ],
        ),
        AppendOnly("audit_checkpoint", set_once=("anchored_at",)),
    ]
