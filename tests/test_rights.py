"""What an account may do is chosen in the language of whoever chooses, from what the desk has."""

import re

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from policies.groups import permissions_of_groups

pytestmark = pytest.mark.django_db


def offered(client, url, language):
    """Number → name of each permission on the page at ``url``, in the order of the page."""
    page = client.get(url, headers={"accept-language": language}).text
    field = re.search(r'<select name="(?:user_)?permissions".*?</select>', page, re.DOTALL)[0]
    return dict(re.findall(r'<option value="(\d+)"[^>]*>([^<]+)</option>', field))


@pytest.mark.parametrize("where", ["group", "account"])
def test_each_right_has_a_name_of_its_own_in_either_language(admin_client, admin_user, where):
    url = reverse("admin:auth_group_add")
    if where == "account":
        url = reverse("admin:auth_user_change", args=[admin_user.pk])
    said = {language: offered(admin_client, url, language) for language in ("en", "nl")}

    assert said["en"].keys() == said["nl"].keys()
    assert not set(said["en"].values()) & set(said["nl"].values())
    for names in said.values():
        assert len(set(names.values())) == len(names)
        assert list(names.values()) == sorted(names.values(), key=str.casefold)
    assert not [name for name in said["nl"].values() if re.search(r"\bCan\b|\bMay\b|historical", name, re.IGNORECASE)]
    assert "Verklaring | cookieaanbieder | wijzigen" in said["nl"].values()
    assert "Verklaring | versie van de verklaring | publiceren" in said["nl"].values()


def test_all_rights_of_our_groups_can_be_chosen_and_saving_a_group_loses_none(admin_client):
    names = set().union(*permissions_of_groups().values())
    group = Group.objects.get(name="publisher")
    url = reverse("admin:auth_group_change", args=[group.pk])
    known = {f"{one.content_type.app_label}.{one.codename}": str(one.pk) for one in Permission.objects.all()}
    assert {known[name] for name in names} <= offered(admin_client, url, "en").keys()

    before = set(group.permissions.values_list("pk", flat=True))
    response = admin_client.post(url, {"name": "publisher", "permissions": sorted(before)})

    assert response.status_code == 302
    assert set(group.permissions.values_list("pk", flat=True)) == before


def test_what_opens_nothing_is_not_offered_and_not_taken(admin_client):
    foreign = Permission.objects.filter(content_type__app_label__in=["mfa", "socialaccount", "sessions"]).first()

    response = admin_client.post(reverse("admin:auth_group_add"), {"name": "odd", "permissions": [foreign.pk]})

    assert response.status_code == 200
    assert not Group.objects.filter(name="odd").exists()
