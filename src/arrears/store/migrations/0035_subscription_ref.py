"""Runs `sql/0035_subscription_ref.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0034_bank")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(35), stamp(35)])]  # noqa: RUF012 - Django's own form
