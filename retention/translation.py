"""What exists in both languages, and whose history is kept.

History is registered here, below the translations: declared in a model it would miss the
language columns.
"""

from modeltranslation.translator import TranslationOptions, register
from simple_history import register as keep_history

from .models import ColumnTreatment, DeclaredTarget, EarlyEnd, RetentionRule, StatutoryException, Trigger


@register(Trigger)
class TriggerTranslation(TranslationOptions):
    fields = ["name", "after", "until"]


@register(StatutoryException)
class StatutoryExceptionTranslation(TranslationOptions):
    fields = ["name", "law"]


for model in (Trigger, StatutoryException, DeclaredTarget, EarlyEnd, ColumnTreatment):
    keep_history(model, app="retention")
keep_history(RetentionRule, app="retention", m2m_fields=["ends_early_on", "exceptions"])
