"""What a promise about keeping data consists of. Nothing here knows whose data, or why."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from .append_only import AppendOnlyModel
from .conditions import filled, leads_back
from .periods import validate_period


class Trigger(models.Model):
    """The event from which a period counts, or until which data is kept."""

    slug = models.SlugField(_("identifier"), unique=True, max_length=80)
    name = models.CharField(_("name"), max_length=120)
    after = models.CharField(
        _("“after” phrase"),
        max_length=160,
        help_text=_("Completes “at most 1 year …”: “after the agreement ends”."),
    )
    until = models.CharField(
        _("“until” phrase"),
        max_length=160,
        help_text=_("Stands alone: “until the agreement ends”."),
    )
    order = models.PositiveIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("trigger")
        verbose_name_plural = _("triggers")
        ordering = ["order", "slug"]

    def __str__(self):
        return self.name or self.slug


class StatutoryException(models.Model):
    """A law that makes some data stay longer than the rule says."""

    slug = models.SlugField(_("identifier"), unique=True, max_length=80)
    name = models.CharField(_("name"), max_length=160, help_text=_("What it covers: “tax records”."))
    law = models.CharField(_("law"), max_length=200, help_text=_("Article and act."))
    period = models.CharField(
        _("period"), max_length=16, blank=True, validators=[validate_period], help_text=_("ISO 8601, such as P7Y.")
    )
    order = models.PositiveIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("statutory exception")
        verbose_name_plural = _("statutory exceptions")
        ordering = ["order", "slug"]

    def __str__(self):
        return self.name or self.slug


class Action(models.TextChoices):
    """What happens to the data at the end."""

    ERASE = "erase", _("erase")
    ANONYMISE = "anonymise", _("anonymise")


class RetentionRule(models.Model):
    """How long data is kept: a period from a trigger, or until the trigger itself.

    Without a trigger, and without a rule that it follows, nothing has been stated: a gap
    that the review reports (Art. 13(2)(a) GDPR).
    """

    slug = models.SlugField(_("identifier"), unique=True, max_length=80)
    trigger = models.ForeignKey(
        Trigger, models.PROTECT, null=True, blank=True, related_name="rules", verbose_name=_("counts from")
    )
    follows = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="followed_by",
        verbose_name=_("follows"),
        help_text=_("The rule at whose end this one starts."),
    )
    period = models.CharField(
        _("period"),
        max_length=16,
        blank=True,
        validators=[validate_period],
        help_text=_("ISO 8601, such as P1Y, P13M or P6W. Empty: until the trigger itself."),
    )
    is_maximum = models.BooleanField(_("at most"), default=False)
    action = models.CharField(_("at the end"), max_length=10, choices=Action, blank=True)
    needs_consent = models.BooleanField(_("only with consent"), default=False)
    ends_early_on = models.ManyToManyField(Trigger, blank=True, related_name="ends", verbose_name=_("ends earlier on"))
    exceptions = models.ManyToManyField(
        StatutoryException, blank=True, related_name="rules", verbose_name=_("statutory exceptions")
    )
    order = models.PositiveIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("retention rule")
        verbose_name_plural = _("retention rules")
        ordering = ["order", "slug"]
        constraints = [
            models.CheckConstraint(
                name="retention_rule_one_start",
                condition=Q(trigger=None) | Q(follows=None),
                violation_error_message=_("A rule counts from a trigger or follows another rule, not both."),
            ),
            models.CheckConstraint(
                name="retention_rule_follows_another",
                condition=Q(follows=None) | ~Q(follows=F("id")),
                violation_error_message=_("A rule cannot follow itself."),
            ),
            models.CheckConstraint(
                name="retention_rule_period_has_start",
                condition=Q(period="") | Q(trigger__isnull=False) | Q(follows__isnull=False),
                violation_error_message=_("Say from which moment the period counts."),
            ),
            models.CheckConstraint(
                name="retention_rule_follower_has_period",
                condition=Q(follows=None) | ~Q(period=""),
                violation_error_message=_("A rule that follows another needs a period."),
            ),
            models.CheckConstraint(
                name="retention_rule_maximum_has_period",
                condition=Q(is_maximum=False) | ~Q(period=""),
                violation_error_message=_("“At most” needs a period."),
            ),
            models.CheckConstraint(
                name="retention_rule_stated_has_action",
                condition=(Q(trigger=None) & Q(follows=None) & Q(action=""))
                | ((Q(trigger__isnull=False) | Q(follows__isnull=False)) & Q(action__in=Action.values)),
                violation_error_message=_("Say what happens at the end: erase or anonymise."),
            ),
        ]

    def __str__(self):
        return self.slug

    @property
    def is_stated(self):
        return self.trigger_id is not None or self.follows_id is not None

    def clean(self):
        """Raises ValidationError where rules would follow each other in a circle."""
        if leads_back(self, "follows"):
            raise ValidationError({"follows": _("These rules would follow each other in a circle.")})


class RetentionRun(AppendOnlyModel):
    """What was enforced: which rule, up to which moment, how many rows, by whom."""

    rule = models.CharField(_("rule"), max_length=80)
    target = models.CharField(_("target"), max_length=120)
    cut_off = models.DateTimeField(_("cut-off"))
    is_dry = models.BooleanField(_("dry run"))
    erased = models.PositiveBigIntegerField(_("erased"), default=0)
    anonymised = models.PositiveBigIntegerField(_("anonymised"), default=0)
    run_by = models.CharField(_("run by"), max_length=150)
    error = models.TextField(_("error"), blank=True, help_text=_("Why it stopped; empty where it came to its end."))
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), db_default=Now())

    class Meta:
        verbose_name = _("retention run")
        verbose_name_plural = _("retention runs")
        ordering = ["-started_at"]
        constraints = [
            models.CheckConstraint(
                name="retention_run_names_rule_and_target", condition=filled("rule") & filled("target")
            ),
            models.CheckConstraint(
                name="retention_run_ends_after_start", condition=Q(finished_at__gte=F("started_at"))
            ),
        ]

    def __str__(self):
        return f"{self.rule} → {self.target}, {self.started_at:%Y-%m-%d %H:%M}"
