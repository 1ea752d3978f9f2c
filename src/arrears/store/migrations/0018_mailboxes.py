"""Runs `sql/0018_mailboxes.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0017_provider_clock")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(18), stamp(18)])]  # noqa: RUF012 - Django's own form
