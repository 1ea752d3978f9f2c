"""Runs `sql/0020_identity.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0019_card_tries")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(20), stamp(20)])]  # noqa: RUF012 - Django's own form
