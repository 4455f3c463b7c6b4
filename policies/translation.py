"""What exists in both languages, and whose history is kept.

History is registered here, below the translations: declared in a model it would miss the
language columns.
"""

from modeltranslation.translator import TranslationOptions, translator
from simple_history import register as keep_history

from . import models

TRANSLATED = {
    models.Controller: ["supervisor", "statement_title", "summary_title", "summary", "children"],
    models.DataSubjectCategory: ["name"],
    models.DataCategory: ["name", "explanation"],
    models.Recipient: ["name", "task"],
    models.ProcessingPurpose: [
        "title", "description", "opt_out_how", "source", "provision_consequence", "automation_explained",
    ],
    models.PurposeLegalBasis: ["explanation"],
    models.PurposeRetention: ["applies_when", "reason"],
    models.SharingGround: ["name", "explanation"],
    models.TransferSafeguard: ["name"],
    models.Transfer: ["name", "explanation", "copy_how"],
    models.DataSubjectRight: ["name", "explanation"],
    models.Principle: ["name", "explanation"],
    models.SecurityMeasure: ["name", "explanation"],
    models.ServiceLevel: ["name", "explanation"],
    models.CookieCategory: ["name", "purpose"],
    models.Website: ["name", "banner_title", "banner_text"],
    models.VendorSafeguard: ["name"],
    models.CookieVendor: ["purpose", "consent_reason"],
    models.Section: ["heading", "text"],
    models.Waiver: ["reason"],
}  # fmt: skip

for model, names in TRANSLATED.items():
    translator.register(model, type(f"{model.__name__}Translation", (TranslationOptions,), {"fields": names}))

MANY_TO_MANY = {
    models.ProcessingPurpose: ["data_subjects"],
    models.Transfer: ["safeguards"],
    models.CookieVendor: ["safeguards", "websites"],
}
UNTRANSLATED = [models.PurposeData, models.PurposeRecipient, models.WebsiteOrigin, models.Cookie]

for model in [*TRANSLATED, *UNTRANSLATED]:
    keep_history(model, app="policies", m2m_fields=MANY_TO_MANY.get(model, []))
