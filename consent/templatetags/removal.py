"""What the cookies page says about removing cookies."""

from django import template

from consent import removal

register = template.Library()
register.filter("stays", removal.stays)
