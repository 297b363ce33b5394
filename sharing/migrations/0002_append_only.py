from django.db import migrations

from audit.triggers import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("sharing", "0001_initial"), ("audit", "0002_append_only")]

    operations = [AppendOnly("sharing_planversion"), AppendOnly("sharing_acknowledgement")]
