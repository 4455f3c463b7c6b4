"""The evidence: what was shown, and what was chosen. Nothing here names a person."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from policies.models import StatementVersion
from retention.append_only import AppendOnlyModel


class Banner(AppendOnlyModel):
    """The exact bytes in which a choice was asked for, by their SHA-256.

    ``script`` is the banner on a web site, with both languages in it, and ``details`` what it
    fetches when the visitor wants to know more; ``form`` is the preferences form of the
    cookies page in one language.
    """

    class Kind(models.TextChoices):
        SCRIPT = "script", _("banner")
        DETAILS = "details", _("second layer of a banner")
        FORM = "form", _("preferences form")

    digest = models.CharField("SHA-256", primary_key=True, max_length=64)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    website = models.CharField(_("web site"), max_length=80)
    version = models.ForeignKey(
        StatementVersion,
        models.PROTECT,
        to_field="number",
        related_name="banners",
        verbose_name=_("version"),
    )
    language = models.CharField(_("language"), max_length=2, blank=True)
    details = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("second layer of a banner")
    )
    body = models.BinaryField()
    first_served_at = models.DateTimeField(_("first served at"), db_default=Now())

    class Meta:
        verbose_name = _("banner as served")
        verbose_name_plural = _("banners as served")
        ordering = ["-first_served_at"]
        constraints = [
            models.CheckConstraint(name="banner_digest_is_sha256", condition=Q(digest__length=64)),
            models.CheckConstraint(
                name="banner_form_has_language",
                condition=Q(kind__in=["script", "details"], language="") | Q(kind="form", language__in=["en", "nl"]),
            ),
            models.CheckConstraint(name="banner_details_of_a_script", condition=Q(details=None) | Q(kind="script")),
        ]

    def __str__(self):
        return f"{self.website} · {self.digest[:12]}"


class ConsentRecord(AppendOnlyModel):
    """One decision of one visitor (Art. 7(1) GDPR), under the words that were shown.

    ``id`` is the UUIDv7 that the browser gave the decision: a retry is no second record, and
    rows arrive in the order of the index. ``subject`` tells the decisions of one browser
    apart; where everything was refused there is none. ``choices`` maps each category that
    asks for consent to the answer, ``vendors`` only those that differ from their category.
    ``is_once`` marks a vendor that was allowed for one element on one page view: it says
    nothing about categories and changes nothing that was chosen before.
    """

    class Action(models.TextChoices):
        ACCEPT_ALL = "accept_all", _("everything accepted")
        REJECT_ALL = "reject_all", _("everything refused")
        SAVE = "save", _("own choice")
        WITHDRAW = "withdraw", _("consent withdrawn")

    id = models.UUIDField(_("receipt"), primary_key=True)
    subject = models.UUIDField(_("browser"), null=True, blank=True)
    website = models.CharField(_("web site"), max_length=80)
    version = models.ForeignKey(
        StatementVersion,
        models.PROTECT,
        to_field="number",
        related_name="consent_records",
        verbose_name=_("version"),
        db_index=False,
    )
    banner = models.ForeignKey(
        Banner, models.PROTECT, related_name="consent_records", verbose_name=_("banner"), db_index=False
    )
    language = models.CharField(_("language"), max_length=2)
    gpc = models.BooleanField(_("Global Privacy Control"))
    action = models.CharField(_("action"), max_length=10, choices=Action)
    choices = models.JSONField(_("choices"))
    vendors = models.JSONField(_("vendors"), default=dict)
    is_once = models.BooleanField(_("for one page view"), default=False, db_default=False)
    decided_at = models.DateTimeField(_("decided at (browser)"))
    recorded_at = models.DateTimeField(_("recorded at (server)"), db_default=Now())

    class Meta:
        verbose_name = _("consent record")
        verbose_name_plural = _("consent records")
        ordering = ["-id"]
        indexes = [
            # The history of one browser, among millions of records.
            models.Index(fields=["subject", "id"], condition=Q(subject__isnull=False), name="consent_subject"),
        ]
        constraints = [
            models.CheckConstraint(
                name="consent_once_is_a_choice_of_vendors",
                condition=Q(is_once=False) | Q(action="save", choices={}),
            ),
            models.CheckConstraint(
                name="consent_action_and_language_known",
                condition=Q(action__in=["accept_all", "reject_all", "save", "withdraw"]) & Q(language__in=["en", "nl"]),
            ),
            # Idea 3 of the design: a refusal leaves no identifier.
            models.CheckConstraint(
                name="consent_refusal_has_no_subject",
                condition=~Q(action="reject_all") | Q(subject=None),
            ),
            models.CheckConstraint(
                name="consent_acceptance_has_subject",
                condition=~Q(action="accept_all") | Q(subject__isnull=False),
            ),
        ]

    def __str__(self):
        return str(self.id)
