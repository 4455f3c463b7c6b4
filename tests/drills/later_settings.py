"""The settings of a release that comes later: with one migration more."""

from privacy_site.settings import *  # noqa: F403
from privacy_site.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.drills.later"]
