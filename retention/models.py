"""What a promise about keeping data consists of. Nothing here knows whose data, or why."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .append_only import AppendOnlyModel
from .conditions import filled, leads_back
from .periods import validate_period


class Rounding(models.TextChoices):
    """Whose end a period counts from."""

    NONE = "", _("the event itself")
    MONTH = "month", _("the end of the month in which it falls")
    YEAR = "year", _("the end of the calendar year in which it falls")


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
    rounding = models.CharField(
        _("counts from"),
        max_length=5,
        choices=Rounding,
        blank=True,
        help_text=_("The phrases have to say the same: “after the end of the calendar year in which …”."),
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
        permissions = [("enforce_retentionrule", _("May try targets and look at what they hold"))]
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


class Result(models.TextChoices):
    """How a run ended."""

    DONE = "done", pgettext_lazy("result of a run", "came to its end")
    LIMITED = "limited", pgettext_lazy("result of a run", "stopped at its limit")
    OVERTAKEN = "overtaken", pgettext_lazy("result of a run", "broken off: the promise changed")
    REFUSED = "refused", pgettext_lazy("result of a run", "refused")
    FAILED = "failed", pgettext_lazy("result of a run", "failed")


class Enforcement(models.Model):
    """What is enforced on a target: the rule as it was published, up to which moment, with what effect."""

    target = models.CharField(_("target"), max_length=120)
    purpose = models.CharField(_("purpose"), max_length=80, blank=True)
    rule = models.CharField(_("rule"), max_length=80)
    wording = models.JSONField(_("the rule in words"), default=dict)
    version = models.PositiveIntegerField(_("version of the statement"), null=True, blank=True)
    cut_off = models.DateTimeField(_("cut-off"))
    due = models.PositiveBigIntegerField(_("due"), default=0)
    held = models.PositiveBigIntegerField(_("under legal hold"), default=0)
    undated = models.PositiveBigIntegerField(_("without a date"), default=0)
    erased = models.PositiveBigIntegerField(_("erased"), default=0)
    anonymised = models.PositiveBigIntegerField(_("anonymised"), default=0)
    resumed = models.PositiveIntegerField(_("taken up again"), default=0)
    run_by = models.CharField(_("run by"), max_length=150)
    started_at = models.DateTimeField(_("started at"))

    class Meta:
        abstract = True

    def __str__(self):
        return f"{self.rule} → {self.target}, {self.started_at:%Y-%m-%d %H:%M}"


class RunUnderWay(Enforcement):
    """A run that has not ended, with what it has done so far: written with each portion of data, in the
    same transaction where the data is in this database. What stopped in the middle is taken up from here."""

    changed_at = models.DateTimeField(_("last progress"), auto_now=True)

    class Meta:
        verbose_name = _("retention run under way")
        verbose_name_plural = _("retention runs under way")
        constraints = [models.UniqueConstraint(fields=["target"], name="run_under_way_one_per_target")]


class RetentionRun(Enforcement, AppendOnlyModel):
    """What was enforced, once it has ended: evidence."""

    is_dry = models.BooleanField(_("dry run"))
    result = models.CharField(_("result"), max_length=10, choices=Result, default=Result.DONE)
    error = models.TextField(_("error"), blank=True, help_text=_("Why it stopped; empty where it came to its end."))
    finished_at = models.DateTimeField(_("finished at"), db_default=Now())

    class Meta:
        verbose_name = _("retention run")
        verbose_name_plural = _("retention runs")
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["target", "-id"], name="retention_run_of_target")]
        constraints = [
            models.CheckConstraint(
                name="retention_run_names_rule_and_target", condition=filled("rule") & filled("target")
            ),
            models.CheckConstraint(
                name="retention_run_ends_after_start", condition=Q(finished_at__gte=F("started_at"))
            ),
            models.CheckConstraint(
                name="retention_run_says_why",
                condition=(Q(result__in=["refused", "failed"]) & ~Q(error=""))
                | (~Q(result__in=["refused", "failed"]) & Q(error="")),
            ),
            models.CheckConstraint(
                name="retention_dry_run_does_nothing", condition=Q(is_dry=False) | Q(erased=0, anonymised=0)
            ),
        ]


class LegalHold(models.Model):
    """Data that stays, whatever its rule says, until somebody releases it: for a claim, for an inquiry.

    Art. 17(3)(e) GDPR.
    """

    target = models.CharField(_("target"), max_length=120)
    key = models.CharField(
        _("key of the row"), max_length=200, blank=True, help_text=_("Empty: everything in the target.")
    )
    reason = models.CharField(_("reason"), max_length=400, help_text=_("The case, without names of persons."))
    placed_by = models.CharField(_("placed by"), max_length=150)
    placed_at = models.DateTimeField(_("placed at"), db_default=Now())
    released_by = models.CharField(_("released by"), max_length=150, blank=True)
    released_at = models.DateTimeField(_("released at"), null=True, blank=True)

    class Meta:
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")
        ordering = ["-placed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["target", "key"],
                condition=Q(released_at=None),
                name="legal_hold_once",
                violation_error_message=_("There is a hold on this already."),
            ),
            models.CheckConstraint(
                name="legal_hold_says_who_and_why",
                condition=filled("target")
                & filled("reason")
                & (Q(released_at=None, released_by="") | Q(released_at__isnull=False) & ~Q(released_by="")),
            ),
        ]

    def __str__(self):
        return f"{self.target} · {self.key or '*'}"


class DeclaredTarget(models.Model):
    """A table of another database that holds the data of a purpose, as staff declare it.

    The promise is named by the identifiers of purpose and rule, because what is enforced is the
    statement in force, not the draft.
    """

    slug = models.SlugField(_("identifier"), unique=True, max_length=80)
    name = models.CharField(_("name"), max_length=120)
    purpose = models.SlugField(_("purpose"), max_length=80)
    rule = models.SlugField(_("rule"), max_length=80)
    exception = models.SlugField(
        _("statutory exception"),
        max_length=80,
        blank=True,
        help_text=_("Only where this very data falls under it: it then stays as long as the law says."),
    )
    connection = models.SlugField(
        _("connection"), max_length=40, help_text=_("The name behind DATABASE_URL_ in the environment.")
    )
    table = models.CharField(
        _("table"), max_length=128, help_text=_("With its schema, where that is needed: hr.applicants.")
    )
    key_column = models.CharField(_("key column"), max_length=64)
    trigger_column = models.CharField(
        _("column of the date"),
        max_length=64,
        blank=True,
        help_text=_("When the event took place from which the period counts."),
    )
    trigger_query = models.TextField(
        _("query of the date"),
        blank=True,
        help_text=_("Instead of a column: a SELECT of two columns, the key of a row and its date."),
    )
    condition = models.TextField(
        _("only rows where"),
        blank=True,
        help_text=_("A condition in SQL on the columns of the table. Empty: all rows."),
    )
    hold_column = models.CharField(
        _("column of a legal hold"), max_length=64, blank=True, help_text=_("Rows in which it is true are left alone.")
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=40,
        default="Europe/Amsterdam",
        help_text=_("Of moments that the database keeps without one."),
    )
    max_share = models.PositiveSmallIntegerField(
        _("largest share, in %"),
        default=10,
        help_text=_("More than this part of the table never goes in one run, unless somebody confirms it."),
    )
    batch_size = models.PositiveIntegerField(_("rows at a time"), default=1000)
    is_active = models.BooleanField(
        _("is enforced"), default=False, help_text=_("From now on, every night. Try it first.")
    )

    class Meta:
        verbose_name = _("table of another database")
        verbose_name_plural = _("tables of other databases")
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                name="declared_target_one_date",
                condition=Q(trigger_column="") & ~Q(trigger_query="") | ~Q(trigger_column="") & Q(trigger_query=""),
                violation_error_message=_("Give a column of the date or a query for it: one of the two."),
            ),
            models.CheckConstraint(
                name="declared_target_share",
                condition=Q(max_share__gte=1, max_share__lte=100),
                violation_error_message=_("The largest share is from 1 to 100 %%."),
            ),
            models.CheckConstraint(
                name="declared_target_batch",
                condition=Q(batch_size__gte=1, batch_size__lte=20_000),
                violation_error_message=_("From 1 to 20 000 rows at a time."),
            ),
        ]

    def __str__(self):
        return self.name or self.slug


class EarlyEnd(models.Model):
    """The column that says when an event took place that ends the period sooner."""

    target = models.ForeignKey(DeclaredTarget, models.CASCADE, related_name="early_ends", verbose_name=_("target"))
    trigger = models.SlugField(_("event"), max_length=80)
    column = models.CharField(_("column of the date"), max_length=64)

    class Meta:
        verbose_name = _("column of an earlier end")
        verbose_name_plural = _("columns of earlier ends")
        constraints = [models.UniqueConstraint(fields=["target", "trigger"], name="early_end_once")]

    def __str__(self):
        return f"{self.trigger}: {self.column}"


class Treatment(models.TextChoices):
    """What becomes of a value, so that nobody can be found by it any more."""

    BLANK = "blank", _("left empty")
    CONSTANT = "constant", _("replaced by the same text everywhere")
    YEAR = "year", _("a date: only its year stays")
    PREFIX = "prefix", _("a text: only its first characters stay")
    ROUND = "round", _("a number: rounded down")


class ColumnTreatment(models.Model):
    """How one column of a target is anonymised."""

    target = models.ForeignKey(DeclaredTarget, models.CASCADE, related_name="treatments", verbose_name=_("target"))
    column = models.CharField(_("column"), max_length=64)
    treatment = models.CharField(_("treatment"), max_length=10, choices=Treatment, default=Treatment.BLANK)
    detail = models.CharField(
        _("detail"),
        max_length=80,
        blank=True,
        help_text=_("The text that replaces it; how many characters stay; to a multiple of which number."),
    )

    class Meta:
        verbose_name = _("treatment of a column")
        verbose_name_plural = _("treatments of columns")
        constraints = [
            models.UniqueConstraint(fields=["target", "column"], name="column_treatment_once"),
            models.CheckConstraint(
                name="column_treatment_has_detail",
                condition=Q(treatment__in=["blank", "year"], detail="")
                | Q(treatment__in=["constant", "prefix", "round"]) & ~Q(detail=""),
                violation_error_message=_(
                    "“Replaced”, “first characters” and “rounded” need a detail; the others have none."
                ),
            ),
        ]

    def __str__(self):
        return f"{self.column}: {self.treatment}"
