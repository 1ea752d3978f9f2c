"""Runs `sql/0016_limits.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0015_mail_health")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(16), stamp(16)])]  # noqa: RUF012 - Django's own form
