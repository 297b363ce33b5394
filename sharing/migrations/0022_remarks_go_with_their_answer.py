from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

CASCADE = """
DO $$
DECLARE
    found text;
BEGIN
    SELECT conname INTO STRICT found FROM pg_constraint
    WHERE contype = 'f'
      AND conrelid = 'sharing_quarantineremark'::regclass
      AND confrelid = 'sharing_quarantine'::regclass;
    EXECUTE format('ALTER TABLE sharing_quarantineremark DROP CONSTRAINT %I', found);
    EXECUTE format(
        'ALTER TABLE sharing_quarantineremark ADD CONSTRAINT %I FOREIGN KEY (quarantine_id) '
        'REFERENCES sharing_quarantine (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED',
        found
    );
END
$$
"""


def cascade(_: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CASCADE, params=None)


class Migration(migrations.Migration):
    """The release before knows of no remarks in quarantine: when it deletes an answer, for an
    erasure, the database takes them along. SQLite cannot change a constraint in place, and its
    tests run one release at a time: there it stays as it is.
    """

    dependencies = [
        ("sharing", "0021_checks_say_why_they_left_out"),
    ]

    operations = [
        migrations.RunPython(cascade, migrations.RunPython.noop),
    ]
