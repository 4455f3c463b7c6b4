"""Addresses for asking, recording and proving consent."""

from django.urls import path
from django.utils.translation import pgettext_lazy

from . import views

pages = [
    path(pgettext_lazy("address", "cookies/"), views.cookies, name="cookies"),
]

machines = [
    path("embed/<slug:website>.js", views.embed, name="embed"),
    path("consent/", views.record, name="record"),
    path("consent/<uuid:record_id>/", views.receipt, name="receipt"),
]
