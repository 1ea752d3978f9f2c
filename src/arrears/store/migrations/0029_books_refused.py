"""Runs `sql/0029_books_refused.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0028_heartbeat")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(29), stamp(29)])]  # noqa: RUF012 - Django's own form
