"""Runs `sql/0019_card_tries.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0018_mailboxes")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(19), stamp(19)])]  # noqa: RUF012 - Django's own form
