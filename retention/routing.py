"""Which database our own tables are in: one, whatever else is connected."""

from django.db import DEFAULT_DB_ALIAS


class OnlyOurOwn:
    """A database router by which nothing of ours is ever made in a database of others."""

    def allow_migrate(self, db, app_label, **hints):
        return db == DEFAULT_DB_ALIAS
