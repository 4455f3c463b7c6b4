"""Numbers as the language that is active writes them."""

from django import template

from consent import chart

register = template.Library()
register.filter("grouped", chart.grouped)
register.filter("percent", chart.percent)
