"""The evidence: what was shown, and what was chosen. Nothing here names a person."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from policies.models import StatementVersion
from retention.append_only import AppendOnlyModel


class ArrivalIndex(models.Index):
    """For a moment that grows with the rows: on PostgreSQL a block range index, a thousandth of a B-tree.

    Writing a record hardly notices it, and a day is found among millions.
    """

    def create_sql(self, model, schema_editor, using="", **kwargs):
        if schema_editor.connection.vendor != "postgresql":
            return super().create_sql(model, schema_editor, using=using, **kwargs)
        statement = super().create_sql(model, schema_editor, using=" USING brin", **kwargs)
        # What was added since the last vacuum is in no block range yet, and would be read by every count.
        statement.template += " WITH (autosummarize = on)"
        return statement


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
            # What arrived on a day: counted, sealed, exported.
            ArrivalIndex(fields=["recorded_at"], name="consent_arrival"),
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


class DailyCount(models.Model):
    """How visitors answered on one day (Europe/Amsterdam), for statistics: no record, no person.

    With an empty ``category`` the row counts decisions about a web site, else answers about that
    category. ``asked`` is all of them; each is ``accepted``, ``refused`` or ``withdrawn``.
    ``customised`` are those among them that were chosen one by one. A vendor that was allowed for
    one page view is no answer; it counts as ``once`` in the row without a category.
    """

    day = models.DateField(_("day"))
    website = models.CharField(_("web site"), max_length=80)
    language = models.CharField(_("language"), max_length=2)
    category = models.CharField(_("category"), max_length=80, blank=True)
    gpc = models.BooleanField(_("Global Privacy Control"))
    asked = models.PositiveBigIntegerField(_("asked"), default=0)
    accepted = models.PositiveBigIntegerField(_("accepted"), default=0)
    refused = models.PositiveBigIntegerField(_("refused"), default=0)
    withdrawn = models.PositiveBigIntegerField(_("withdrawn"), default=0)
    customised = models.PositiveBigIntegerField(_("customised"), default=0)
    once = models.PositiveBigIntegerField(_("allowed once"), default=0)

    class Meta:
        verbose_name = _("daily count")
        verbose_name_plural = _("daily counts")
        ordering = ["day", "website", "language", "category", "gpc"]
        constraints = [
            models.UniqueConstraint(fields=["day", "website", "language", "category", "gpc"], name="daily_count_once"),
            models.CheckConstraint(
                name="daily_count_adds_up", condition=Q(asked=F("accepted") + F("refused") + F("withdrawn"))
            ),
        ]

    def __str__(self):
        return f"{self.day} · {self.website} · {self.category or '–'}"


class CountedUpTo(models.Model):
    """Up to which arrival the records have been counted. One row."""

    moment = models.DateTimeField(_("counted up to"))

    class Meta:
        constraints = [models.CheckConstraint(name="counted_up_to_is_one", condition=Q(id=1))]

    def __str__(self):
        return self.moment.isoformat()


class SealedDay(AppendOnlyModel):
    """The records that arrived on one closed day (Europe/Amsterdam), under one hash.

    ``root`` is the Merkle tree hash over their canonical texts in the order of their ids
    (RFC 9162, 2.1). ``digest`` is the SHA-256 of the canonical seal, which holds the digest of
    the seal before it; ``signature`` (Ed25519, RFC 8032, base64) is of the same text.
    """

    day = models.DateField(_("day"), unique=True)
    count = models.PositiveBigIntegerField(_("records"))
    root = models.CharField(_("root"), max_length=64)
    previous = models.CharField(_("SHA-256 of the seal before"), max_length=64, blank=True)
    digest = models.CharField("SHA-256", max_length=64, unique=True)
    key = models.CharField(_("public key"), max_length=44, blank=True)
    signature = models.CharField(_("signature"), max_length=88, blank=True)
    sealed_at = models.DateTimeField(_("sealed at"), db_default=Now())

    class Meta:
        verbose_name = _("sealed day")
        verbose_name_plural = _("sealed days")
        ordering = ["-day"]
        constraints = [
            models.CheckConstraint(name="seal_hashes_are_sha256", condition=Q(root__length=64) & Q(digest__length=64)),
            # A chain, not a tree: only one seal follows another, and only one is the first.
            models.UniqueConstraint(fields=["previous"], name="seal_follows_once"),
            models.CheckConstraint(
                name="seal_signed_with_a_key",
                condition=Q(key="", signature="") | ~Q(key="") & ~Q(signature=""),
            ),
        ]

    def __str__(self):
        return f"{self.day}"


class SealLeaves(models.Model):
    """The leaves of a sealed day, by which a single record that differs can be named.

    ``body`` is a row of 48 bytes per record, in the order of their ids: the id (16), the leaf hash
    (32). They are erased with the records; the root of the day remains.
    """

    seal = models.ForeignKey(SealedDay, models.PROTECT, related_name="leaves", verbose_name=_("sealed day"))
    part = models.PositiveIntegerField(_("part"))
    body = models.BinaryField()

    class Meta:
        verbose_name = _("leaves of a sealed day")
        verbose_name_plural = _("leaves of sealed days")
        ordering = ["seal", "part"]
        constraints = [models.UniqueConstraint(fields=["seal", "part"], name="seal_leaves_once")]

    def __str__(self):
        return f"{self.seal} ({self.part})"


class RecordPurge(AppendOnlyModel):
    """Under which rule consent records were erased: those that arrived before ``cut_off``.

    It is written before the first of them goes. The database lets no record go without it.
    """

    rule = models.CharField(_("rule"), max_length=80)
    wording = models.CharField(_("the rule in words"), max_length=400)
    cut_off = models.DateTimeField(_("cut-off"))
    decided_by = models.CharField(_("run by"), max_length=150)
    decided_at = models.DateTimeField(_("decided at"), db_default=Now())

    class Meta:
        verbose_name = _("erasure of consent records")
        verbose_name_plural = _("erasures of consent records")
        ordering = ["-cut_off", "-id"]
        constraints = [
            models.CheckConstraint(name="purge_names_its_rule", condition=~Q(rule="") & ~Q(wording="")),
            # Whole days that have passed, not the present.
            models.CheckConstraint(name="purge_of_the_past", condition=Q(cut_off__lte=F("decided_at"))),
        ]

    def __str__(self):
        return f"{self.rule} < {self.cut_off:%Y-%m-%d}"


class SealPurge(AppendOnlyModel):
    """Under which rule the oldest seals were erased, and where the chain goes on.

    ``last_digest`` is that of the seal of ``up_to``, the last day that went: the first seal that is
    left holds it. ``cut_off`` is the midnight in Amsterdam with which ``up_to`` ends. It is written
    together with the erasure; the database lets no seal go without it, or before its records.
    """

    rule = models.CharField(_("rule"), max_length=80)
    wording = models.CharField(_("the rule in words"), max_length=400)
    up_to = models.DateField(_("last day"), unique=True)
    cut_off = models.DateTimeField(_("cut-off"))
    last_digest = models.CharField(_("SHA-256 of its seal"), max_length=64)
    seals = models.PositiveIntegerField(_("sealed days"))
    decided_by = models.CharField(_("run by"), max_length=150)
    decided_at = models.DateTimeField(_("decided at"), db_default=Now())

    class Meta:
        verbose_name = _("erasure of sealed days")
        verbose_name_plural = _("erasures of sealed days")
        ordering = ["-up_to"]
        constraints = [
            models.CheckConstraint(name="seal_purge_names_its_rule", condition=~Q(rule="") & ~Q(wording="")),
            models.CheckConstraint(name="seal_purge_of_the_past", condition=Q(cut_off__lte=F("decided_at"))),
            models.CheckConstraint(
                name="seal_purge_is_an_anchor", condition=Q(last_digest__length=64) & Q(seals__gte=1)
            ),
        ]

    def __str__(self):
        return f"{self.rule} ≤ {self.up_to}"
