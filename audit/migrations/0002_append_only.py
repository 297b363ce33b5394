from datetime import UTC, datetime

from django.db import migrations

from audit.triggers import AppendOnly

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


def begin(apps, schema_editor):
    apps.get_model("audit", "Head").objects.get_or_create(pk=1, defaults={"last_at": BEGINNING})


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.RunPython(begin, migrations.RunPython.noop),
        AppendOnly("audit_entry"),
    ]
