"""Runs `sql/0036_journal_seal.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0035_subscription_ref")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(36), stamp(36)])]  # noqa: RUF012 - Django's own form
