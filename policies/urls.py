"""Addresses of the statement. Those of pages are in the language of the page."""

from django.urls import path
from django.utils.translation import pgettext_lazy

from . import preview_views, views

pages = [
    path("", views.summary, name="summary"),
    path(pgettext_lazy("address", "statement/"), views.statement, name="statement"),
    path(pgettext_lazy("address", "statement.pdf"), views.statement_pdf, name="statement_pdf"),
    path(pgettext_lazy("address", "statement/versions/"), views.versions, name="versions"),
    path(pgettext_lazy("address", "statement/versions/<int:number>/"), views.version, name="version"),
    path(pgettext_lazy("address", "statement/versions/<int:number>/changes/"), views.changes, name="changes"),
    path(pgettext_lazy("address", "draft/<str:token>/"), preview_views.summary, name="draft_summary"),
    path(pgettext_lazy("address", "draft/<str:token>/statement/"), preview_views.statement, name="draft_statement"),
]

machines = [
    path("", views.home, name="home"),
    path("statement.json", views.statement_json, name="statement_json"),
    path("statement.jsonld", views.statement_jsonld, name="statement_jsonld"),
    path(".well-known/gpc.json", views.gpc, name="gpc"),
    path(".well-known/security.txt", views.security_txt, name="security_txt"),
    path("robots.txt", views.robots, name="robots"),
    path("sitemap.xml", views.sitemap, name="sitemap"),
]
