"""Addresses for asking, recording and proving consent."""

from django.urls import path, re_path
from django.utils.translation import pgettext_lazy

from . import desk, views

pages = [
    path(pgettext_lazy("address", "cookies/"), views.cookies, name="cookies"),
    path(pgettext_lazy("address", "cookies/your-choice/"), views.own_page, name="my_choice"),
]

machines = [
    path("embed/<slug:website>.js", views.embed, name="embed"),
    re_path(
        r"^embed/(?P<website>[-a-zA-Z0-9_]+)\.(?P<digest>[0-9a-f]{64})\.js$", views.embed_exact, name="embed_exact"
    ),
    re_path(
        r"^embed/preview/(?P<token>[-\w]+\.\w+\.[-\w]+)(?:\.(?P<digest>[0-9a-f]{64}))?\.js$",
        desk.preview_file,
        name="embed_preview",
    ),
    path("consent/", views.record, name="record"),
    path("consent/<uuid:record_id>/", views.receipt, name="receipt"),
]
