"""Runs `sql/0030_billing_address.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0029_books_refused")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(30), stamp(30)])]  # noqa: RUF012 - Django's own form
