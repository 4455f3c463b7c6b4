"""What accounts and groups may do, in words of whoever decides about it, and no more than the desk has."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.forms import ModelMultipleChoiceField
from django.forms.models import ModelChoiceIterator
from django.utils.translation import pgettext_lazy

from policies.groups import models_with_rights

ACTIONS = {
    "view": pgettext_lazy("right", "look at"),
    "add": pgettext_lazy("right", "add"),
    "change": pgettext_lazy("right", "change"),
    "delete": pgettext_lazy("right", "delete"),
    "publish_statement": pgettext_lazy("right", "publish"),
    "submit_statement": pgettext_lazy("right", "submit for approval"),
    "enforce_retentionrule": pgettext_lazy("right", "try targets and look at what they hold"),
}
# On their own page these need no name of their own.
NAMES = {"purposerecipient": pgettext_lazy("right", "recipient of a purpose")}


def rights():
    """The permissions that open something: those of other apps, and of histories, are asked for by no page."""
    kinds = ContentType.objects.get_for_models(*models_with_rights(), get_user_model(), Group).values()
    return Permission.objects.filter(content_type__in=kinds).select_related("content_type")


class _ByName(ModelChoiceIterator):
    def __iter__(self) -> Iterator[Any]:
        yield from sorted(super().__iter__(), key=lambda choice: choice[1].casefold())


class RightsField(ModelMultipleChoiceField):
    iterator = _ByName

    def label_from_instance(self, permission: Permission) -> str:
        model = permission.content_type.model_class()
        meta = model._meta
        codename = permission.codename
        action = ACTIONS.get(codename) or ACTIONS.get(codename.removesuffix(f"_{meta.model_name}"), codename)
        return f"{meta.app_config.verbose_name} | {NAMES.get(meta.model_name, meta.verbose_name)} | {action}"


class ShowsRights:
    """For the admin of a model that has permissions."""

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        if db_field.remote_field.model is Permission:
            kwargs |= {"form_class": RightsField, "queryset": rights()}
        return super().formfield_for_manytomany(db_field, request, **kwargs)
