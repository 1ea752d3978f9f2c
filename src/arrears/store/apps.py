"""The store as a Django app: only so that Django's migrations run the numbered SQL files."""

from django.apps import AppConfig


class StoreConfig(AppConfig):
    """No models are managed here; they are windows for reading."""

    name = "arrears.store"
    label = "store"
