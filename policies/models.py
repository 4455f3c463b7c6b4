"""The content that staff edit, and the versions that are published from it.

Names follow the GDPR and the Data Privacy Vocabulary. Every text exists once per language
(see ``translation.py``). Nothing here is public: visitors read a StatementVersion.
"""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length, Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from retention.append_only import AppendOnlyModel, AppendOnlyQuerySet
from retention.conditions import filled, filled_in_both, leads_back
from retention.models import RetentionRule

from .validators import (
    SESSION,
    check_contrast,
    validate_anchor,
    validate_colour,
    validate_conditions,
    validate_cookie_name,
    validate_country,
    validate_domain,
    validate_fonts,
    validate_hosts,
    validate_lifetime,
    validate_origin,
    validate_signals,
    validate_terms,
)

models.CharField.register_lookup(Length)

MARKDOWN = _("Paragraphs, lists, **bold**, *italic* and [links](https://…).")


class Entry(models.Model):
    """What all lists of the content share: a stable name and a place in the list."""

    slug = models.SlugField(
        _("identifier"),
        unique=True,
        max_length=80,
        help_text=_("Other rows, addresses and recorded choices refer to it; it stays as it is."),
    )
    order = models.PositiveIntegerField(_("order"), default=0)

    class Meta:
        abstract = True
        ordering = ["order", "slug"]

    def __str__(self):
        return getattr(self, "name", None) or self.slug


class Described(models.Model):
    """What has a counterpart in the Data Privacy Vocabulary 2.3."""

    dpv = models.CharField(
        _("vocabulary terms"),
        max_length=400,
        blank=True,
        validators=[validate_terms],
        help_text=_("Data Privacy Vocabulary, separated by spaces."),
    )

    class Meta:
        abstract = True


class Controller(models.Model):
    """The company that decides why and how data is processed (Art. 4(7) GDPR). One row."""

    name = models.CharField(_("legal name"), max_length=160)
    short_name = models.CharField(_("short name"), max_length=80)
    product = models.CharField(_("product"), max_length=80, blank=True)
    country = models.CharField(_("country"), max_length=2, validators=[validate_country])
    website = models.URLField(_("web site"), blank=True)
    postal_address = models.TextField(_("postal address"), blank=True)
    registration_number = models.CharField(_("Chamber of Commerce number"), max_length=40, blank=True)
    email = models.EmailField(_("e-mail address"), blank=True)
    phone = models.CharField(_("telephone number"), max_length=40, blank=True)
    contact_url = models.URLField(_("contact form"), blank=True)
    representative = models.TextField(
        _("representative in the EU"),
        blank=True,
        help_text=_("Name and address; only for a controller outside the EEA (Art. 27)."),
    )
    dpo_name = models.CharField(_("data protection officer"), max_length=160, blank=True)
    dpo_email = models.EmailField(_("e-mail address of the data protection officer"), blank=True)
    dpo_not_required = models.BooleanField(
        _("no officer is required"),
        default=False,
        help_text=_("Art. 37 obliges neither this company nor has it appointed one. Then say who answers below."),
    )
    privacy_email = models.EmailField(
        _("e-mail address for questions about privacy"), blank=True, help_text=_("Where there is no officer.")
    )
    supervisor = models.CharField(_("supervisory authority"), max_length=160)
    supervisor_url = models.URLField(_("address for complaints"), blank=True)
    reaches_children = models.BooleanField(
        _("children under 16 are reached"),
        null=True,
        blank=True,
        help_text=_("Whether services or web sites address them, or are likely to be used by them (Art. 8)."),
    )
    children = models.TextField(
        _("consent of parents"),
        blank=True,
        help_text=_("Where children are reached: how a parent gives or authorises consent."),
    )
    statement_title = models.CharField(_("title of the statement"), max_length=160)
    summary_title = models.CharField(_("title of the summary"), max_length=160)
    summary = models.TextField(_("under that title"), blank=True, help_text=MARKDOWN)

    class Meta:
        verbose_name = _("controller")
        verbose_name_plural = _("controller")
        constraints = [
            models.CheckConstraint(name="controller_is_one", condition=Q(id=1)),
            models.CheckConstraint(
                name="controller_has_name_and_country", condition=filled("name") & Q(country__length=2)
            ),
        ]

    def __str__(self):
        return self.short_name or self.name

    def save(self, *args, **kwargs):
        self.pk = 1
        super().save(*args, **kwargs)


class DataSubjectCategory(Entry, Described):
    """A group of people whose data is processed."""

    name = models.CharField(_("name"), max_length=120)

    class Meta(Entry.Meta):
        verbose_name = _("category of data subjects")
        verbose_name_plural = _("categories of data subjects")


class DataCategory(Entry, Described):
    """A kind of personal data."""

    name = models.CharField(_("name"), max_length=160)
    explanation = models.TextField(_("explanation"), blank=True)
    is_special = models.BooleanField(
        _("special category"),
        default=False,
        help_text=_("Health, religion, biometrics and the like (Art. 9), or criminal data (Art. 10)."),
    )
    from_others = models.BooleanField(
        _("not obtained from the person"),
        default=False,
        help_text=_("Purposes that use it then have to name the source (Art. 14)."),
    )

    class Meta(Entry.Meta):
        verbose_name = _("data category")
        verbose_name_plural = _("data categories")


class LegalBasis(models.TextChoices):
    """The six grounds of Art. 6(1) GDPR; nothing else makes processing lawful.

    Ground (b) has two halves, which the Data Privacy Vocabulary tells apart as well.
    """

    CONSENT = "consent", _("Consent")
    CONTRACT = "contract", _("Performance of a contract")
    PRE_CONTRACT = "pre-contract", _("Steps before a contract")
    LEGAL_OBLIGATION = "legal-obligation", _("Legal obligation")
    VITAL_INTERESTS = "vital-interests", _("Vital interests")
    PUBLIC_TASK = "public-task", _("Public task")
    LEGITIMATE_INTERESTS = "legitimate-interests", _("Legitimate interest")

    @property
    def article(self):
        """The letter of Art. 6(1): ``"6(1)(b)"``."""
        letters = dict(zip(LegalBasis, "abbcdef", strict=True))
        return f"6(1)({letters[self]})"

    @property
    def dpv(self):
        """The term of the EU-GDPR extension of DPV 2.3."""
        terms = ["A6-1-a", "A6-1-b-contract-performance", "A6-1-b-enter-into-contract", "A6-1-c",
                 "A6-1-d", "A6-1-e", "A6-1-f-controller"]  # fmt: skip
        return "eu-gdpr:" + dict(zip(LegalBasis, terms, strict=True))[self]


class Recipient(Entry, Described):
    """Who receives data: one company, or a category of companies (Art. 13(1)(e) GDPR)."""

    class Kind(models.TextChoices):
        CATEGORY = "category", _("category")
        NAMED = "named", _("named")

    class Role(models.TextChoices):
        PROCESSOR = "processor", _("processor")
        JOINT_CONTROLLER = "joint-controller", _("joint controller")
        THIRD_PARTY = "third-party", _("third party")
        AUTHORITY = "authority", _("authority")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    role = models.CharField(_("role"), max_length=20, choices=Role)
    name = models.CharField(_("name"), max_length=160)
    company = models.CharField(_("company"), max_length=160, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True, validators=[validate_country])
    task = models.CharField(_("what it does for us"), max_length=240, blank=True)
    privacy_url = models.URLField(_("its privacy statement"), max_length=300, blank=True)

    class Meta(Entry.Meta):
        verbose_name = _("recipient")
        verbose_name_plural = _("recipients")
        constraints = [
            models.CheckConstraint(
                name="recipient_kind_and_role_known",
                condition=Q(kind__in=["category", "named"])
                & Q(role__in=["processor", "joint-controller", "third-party", "authority"]),
            ),
        ]


class ProcessingPurpose(Entry, Described):
    """One reason for which the company processes personal data (Art. 13(1)(c) GDPR)."""

    class OptOut(models.TextChoices):
        OBJECTION = "objection", _("object (Art. 21)")
        WITHDRAWAL = "withdrawal", _("withdraw consent (Art. 7(3))")

    class Provision(models.TextChoices):
        STATUTORY = "statutory", _("required by law")
        CONTRACTUAL = "contractual", _("needed for a contract")
        VOLUNTARY = "voluntary", _("voluntary")

    class Automation(models.TextChoices):
        NONE = "none", _("neither profiling nor automated decisions")
        PROFILING = "profiling", _("profiling, a person decides")
        DECISIONS = "decisions", _("automated decisions (Art. 22)")

    class Assessment(models.TextChoices):
        NOT_NEEDED = "not-needed", _("not needed")
        TO_DO = "to-do", _("needed, not done yet")
        DONE = "done", _("done")

    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("part of")
    )
    title = models.CharField(_("title"), max_length=160)
    description = models.TextField(_("what we do and why"), help_text=MARKDOWN)
    data_subjects = models.ManyToManyField(
        DataSubjectCategory, blank=True, related_name="purposes", verbose_name=_("whose data")
    )
    opt_out = models.CharField(_("the visitor can"), max_length=12, choices=OptOut, blank=True)
    opt_out_how = models.TextField(_("how and when"), blank=True)
    source = models.TextField(
        _("source of the data"),
        blank=True,
        help_text=_("Only where the data does not come from the person (Art. 14)."),
    )
    source_is_public = models.BooleanField(_("the source is public"), null=True, blank=True)
    stays_inside = models.BooleanField(
        _("nobody outside the company receives it"),
        default=False,
        help_text=_("Say so where no recipient is listed."),
    )
    provision = models.CharField(
        _("giving the data is"),
        max_length=12,
        choices=Provision,
        blank=True,
        help_text=_("Art. 13(2)(e). Empty: not stated."),
    )
    provision_consequence = models.TextField(_("what happens without the data"), blank=True)
    automation = models.CharField(
        _("profiling and automated decisions"),
        max_length=10,
        choices=Automation,
        blank=True,
        help_text=_("Art. 13(2)(f). Empty: not stated."),
    )
    automation_explained = models.TextField(
        _("how it works"),
        blank=True,
        help_text=_("The logic, what it means for the person, and the consequences to expect."),
    )
    # For the register of Art. 30 and the office alone: never frozen, never public.
    owner = models.CharField(_("owner"), max_length=120, blank=True, help_text=_("A function or department."))
    system = models.CharField(_("system"), max_length=200, blank=True, help_text=_("Where the data is kept."))
    dpia = models.CharField(
        _("impact assessment (DPIA)"), max_length=12, choices=Assessment, blank=True, help_text=_("Art. 35.")
    )
    dpia_reference = models.CharField(_("reference of the assessment"), max_length=200, blank=True)
    review_on = models.DateField(_("to be reviewed on"), null=True, blank=True)
    starts_on = models.DateField(
        _("processing starts on"),
        null=True,
        blank=True,
        help_text=_("For a new purpose: people are told before that day (Art. 13(3))."),
    )
    shows_last_kept = models.BooleanField(
        _("show when it was last kept"),
        default=False,
        help_text=_("The statement then says on which day data was last erased or anonymised under these rules."),
    )
    dpv_processing = models.CharField(
        _("vocabulary terms of the processing"), max_length=200, blank=True, validators=[validate_terms]
    )

    class Meta(Entry.Meta):
        verbose_name = _("processing purpose")
        verbose_name_plural = _("processing purposes")
        constraints = [
            models.CheckConstraint(
                name="purpose_not_part_of_itself",
                condition=Q(parent=None) | ~Q(parent=F("id")),
                violation_error_message=_("A purpose cannot be part of itself."),
            ),
            models.CheckConstraint(
                name="purpose_opt_out_known",
                condition=Q(opt_out__in=["", "objection", "withdrawal"]),
            ),
            models.CheckConstraint(
                name="purpose_answers_known",
                condition=Q(provision__in=["", "statutory", "contractual", "voluntary"])
                & Q(automation__in=["", "none", "profiling", "decisions"])
                & Q(dpia__in=["", "not-needed", "to-do", "done"]),
            ),
            # Art. 12(2) GDPR: who grants a right says how to use it.
            models.CheckConstraint(
                name="purpose_opt_out_explained",
                condition=Q(opt_out="") | filled_in_both("opt_out_how"),
                violation_error_message=_("Say in English and in Dutch how the visitor does that."),
            ),
        ]

    def __str__(self):
        return self.title or self.slug

    def clean(self):
        """Raises ValidationError where purposes would be part of each other in a circle."""
        if leads_back(self, "parent"):
            raise ValidationError({"parent": _("These purposes would be part of each other in a circle.")})


class PurposePart(models.Model):
    """A row that belongs to one purpose and has its place in a list there."""

    order = models.PositiveIntegerField(_("order"), default=0)

    class Meta:
        abstract = True
        ordering = ["order", "id"]


class PurposeData(PurposePart):
    """A kind of data that a purpose uses."""

    purpose = models.ForeignKey(ProcessingPurpose, models.CASCADE, related_name="data")
    category = models.ForeignKey(DataCategory, models.PROTECT, related_name="uses", verbose_name=_("data category"))

    class Meta(PurposePart.Meta):
        verbose_name = _("data used")
        verbose_name_plural = _("data used")
        constraints = [
            models.UniqueConstraint(fields=["purpose", "category"], name="purpose_data_once"),
        ]

    def __str__(self):
        return str(self.category)


class PurposeLegalBasis(PurposePart):
    """A ground on which a purpose rests, and which part of it that ground covers."""

    class InterestOf(models.TextChoices):
        CONTROLLER = "controller", _("ours")
        THIRD_PARTY = "third-party", _("that of a third party")

    purpose = models.ForeignKey(ProcessingPurpose, models.CASCADE, related_name="legal_bases")
    basis = models.CharField(_("legal basis"), max_length=24, choices=LegalBasis)
    explanation = models.TextField(
        _("explanation"),
        blank=True,
        help_text=_("Which part it covers. For a legitimate interest: whose interest, and which."),
    )
    interest_of = models.CharField(
        _("whose interest"),
        max_length=12,
        choices=InterestOf,
        blank=True,
        help_text=_("Only for a legitimate interest."),
    )
    # For the register and the office alone: never frozen, never public.
    balancing_test = models.CharField(
        _("balancing test"),
        max_length=300,
        blank=True,
        help_text=_("Only for a legitimate interest: where the weighing of interests is kept, and its date."),
    )

    class Meta(PurposePart.Meta):
        verbose_name = _("legal basis")
        verbose_name_plural = _("legal bases")
        constraints = [
            models.UniqueConstraint(fields=["purpose", "basis"], name="purpose_basis_once"),
            models.CheckConstraint(name="purpose_basis_known", condition=Q(basis__in=LegalBasis.values)),
            # Art. 13(1)(d) GDPR: who relies on an interest says which one.
            models.CheckConstraint(
                name="purpose_interest_explained",
                condition=~Q(basis="legitimate-interests") | filled_in_both("explanation"),
                violation_error_message=_("Explain the legitimate interest in English and in Dutch."),
            ),
            models.CheckConstraint(
                name="purpose_interest_of_known", condition=Q(interest_of__in=["", "controller", "third-party"])
            ),
        ]

    def __str__(self):
        return self.get_basis_display()


class PurposeRetention(PurposePart):
    """A retention rule that a purpose follows, and in which case."""

    purpose = models.ForeignKey(ProcessingPurpose, models.CASCADE, related_name="retention")
    rule = models.ForeignKey(RetentionRule, models.PROTECT, related_name="uses", verbose_name=_("retention rule"))
    applies_when = models.CharField(
        _("applies"), max_length=200, blank=True, help_text=_("“if you become a customer”. Empty: always.")
    )
    reason = models.CharField(_("why so long"), max_length=240, blank=True)

    class Meta(PurposePart.Meta):
        verbose_name = _("retention")
        verbose_name_plural = _("retention")
        constraints = [
            models.UniqueConstraint(fields=["purpose", "rule"], name="purpose_retention_once"),
        ]

    def __str__(self):
        return str(self.rule)


class PurposeRecipient(PurposePart):
    """Somebody who receives the data of a purpose."""

    purpose = models.ForeignKey(ProcessingPurpose, models.CASCADE, related_name="recipients")
    recipient = models.ForeignKey(Recipient, models.PROTECT, related_name="uses", verbose_name=_("recipient"))

    class Meta(PurposePart.Meta):
        verbose_name = _("recipient")
        verbose_name_plural = _("recipients")
        constraints = [
            models.UniqueConstraint(fields=["purpose", "recipient"], name="purpose_recipient_once"),
        ]

    def __str__(self):
        return str(self.recipient)


class SharingGround(Entry):
    """A situation in which data goes to others."""

    name = models.CharField(_("name"), max_length=160)
    explanation = models.TextField(_("explanation"), blank=True)
    basis = models.CharField(_("legal basis"), max_length=24, choices=LegalBasis, blank=True)

    class Meta(Entry.Meta):
        verbose_name = _("ground for sharing")
        verbose_name_plural = _("grounds for sharing")
        constraints = [
            models.CheckConstraint(name="sharing_ground_basis_known", condition=Q(basis__in=["", *LegalBasis.values])),
        ]


class TransferSafeguard(Entry, Described):
    """What protects data that leaves the EEA (Art. 45–49 GDPR)."""

    class Instrument(models.TextChoices):
        ADEQUACY = "adequacy", _("adequacy decision (Art. 45)")
        DPF = "dpf", _("EU-US Data Privacy Framework (Art. 45)")
        SCC = "scc", _("standard contractual clauses (Art. 46(2)(c))")
        BCR = "bcr", _("binding corporate rules (Art. 46(2)(b))")
        DEROGATION = "derogation", _("derogation (Art. 49)")

    name = models.CharField(_("name"), max_length=160)
    instrument = models.CharField(
        _("instrument"),
        max_length=10,
        choices=Instrument,
        blank=True,
        help_text=_("Empty: none that the GDPR knows, which is no safeguard by itself."),
    )

    class Meta(Entry.Meta):
        verbose_name = _("transfer safeguard")
        verbose_name_plural = _("transfer safeguards")
        constraints = [
            models.CheckConstraint(
                name="transfer_safeguard_instrument_known",
                condition=Q(instrument__in=["", "adequacy", "dpf", "scc", "bcr", "derogation"]),
            ),
        ]


class Transfer(Entry):
    """A transfer of data to outside the European Economic Area."""

    name = models.CharField(_("name"), max_length=200)
    explanation = models.TextField(_("explanation"), blank=True)
    countries = models.CharField(
        _("countries"), max_length=200, blank=True, help_text=_("Two capitals each, separated by spaces.")
    )
    safeguards = models.ManyToManyField(
        TransferSafeguard, blank=True, related_name="transfers", verbose_name=_("safeguards")
    )
    certified_on = models.DateField(
        _("certified on"),
        null=True,
        blank=True,
        help_text=_("Under the EU-US Data Privacy Framework: the date of the recipient's certification."),
    )
    copy_how = models.TextField(
        _("how to get a copy"), blank=True, help_text=_("Of the safeguards, or where they can be read.")
    )

    class Meta(Entry.Meta):
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")

    def clean(self):
        for code in self.countries.split():
            validate_country(code)


class DataSubjectRight(Entry, Described):
    """A right of the person whose data it is (Art. 12–22 and 77 GDPR)."""

    article = models.CharField(_("article"), max_length=16)
    name = models.CharField(_("name"), max_length=160)
    explanation = models.TextField(_("explanation"), help_text=MARKDOWN)

    class Meta(Entry.Meta):
        verbose_name = _("right")
        verbose_name_plural = _("rights")


class Principle(Entry, Described):
    """A rule that the company keeps to with all personal data (Art. 5 GDPR)."""

    name = models.CharField(_("name"), max_length=200)
    explanation = models.TextField(_("explanation"), blank=True)

    class Meta(Entry.Meta):
        verbose_name = _("principle")
        verbose_name_plural = _("principles")


class SecurityMeasure(Entry, Described):
    """A technical or organisational measure (Art. 32 GDPR)."""

    name = models.CharField(_("name"), max_length=200)
    explanation = models.TextField(_("explanation"), blank=True)

    class Meta(Entry.Meta):
        verbose_name = _("security measure")
        verbose_name_plural = _("security measures")


class ServiceLevel(Entry):
    """What the company promises about availability and support."""

    name = models.CharField(_("name"), max_length=200)
    explanation = models.TextField(_("explanation"), blank=True)

    class Meta(Entry.Meta):
        verbose_name = _("service level")
        verbose_name_plural = _("service levels")


class CookieCategory(Entry, Described):
    """What cookies are for; consent is asked per category."""

    name = models.CharField(_("name"), max_length=80)
    purpose = models.TextField(_("purpose"))
    needs_consent = models.BooleanField(
        _("needs consent"),
        default=True,
        help_text=_("Only what is strictly necessary goes without (Art. 11.7a Telecommunicatiewet)."),
    )
    signals = models.CharField(
        _("signals"),
        max_length=300,
        blank=True,
        validators=[validate_signals],
        help_text=_(
            "Granted to tags of Google and Microsoft when this category is allowed: ad_storage, "
            "analytics_storage, uet:ad_storage, clarity:ad_Storage …"
        ),
    )

    class Meta(Entry.Meta):
        verbose_name = _("cookie category")
        verbose_name_plural = _("cookie categories")


class Website(Entry):
    """A web site or application that asks for consent with our banner."""

    class Position(models.TextChoices):
        CORNER = "corner", _("in a corner")
        BOTTOM = "bottom", _("across the bottom")
        CENTRE = "centre", _("in the middle")

    name = models.CharField(_("name"), max_length=120)
    default_language = models.CharField(
        _("default language"), max_length=2, choices=[("en", _("English")), ("nl", _("Dutch"))], default="nl"
    )
    hosts_statement = models.BooleanField(
        _("these pages belong to it"),
        default=False,
        help_text=_("The site whose banner is shown on the pages of the statement itself."),
    )
    consent_months = models.PositiveSmallIntegerField(
        _("a choice holds for (months)"),
        default=6,
        help_text=_("1 to 12, the same for yes and no. Then the visitor is asked again."),
    )
    shared_domain = models.CharField(
        _("one choice for all of"),
        max_length=120,
        blank=True,
        validators=[validate_domain],
        help_text=_("A domain, such as example.nl, whose subdomains share the choice. Empty: each address asks."),
    )
    banner_title = models.CharField(_("title of the banner"), max_length=80)
    banner_text = models.TextField(
        _("text of the banner"),
        max_length=600,
        help_text=_("Who asks, for what, that third parties take part, and how to withdraw consent."),
    )
    position = models.CharField(_("place on a wide screen"), max_length=6, choices=Position, default=Position.CORNER)
    background = models.CharField(_("background"), max_length=7, blank=True, validators=[validate_colour])
    foreground = models.CharField(_("text colour"), max_length=7, blank=True, validators=[validate_colour])
    accent = models.CharField(
        _("accent"),
        max_length=7,
        blank=True,
        validators=[validate_colour],
        help_text=_("Borders of the buttons, switches that are on, and focus."),
    )
    radius = models.PositiveSmallIntegerField(
        _("rounding of corners (pixels)"), null=True, blank=True, validators=[MaxValueValidator(32)]
    )
    fonts = models.CharField(
        _("fonts"),
        max_length=200,
        blank=True,
        validators=[validate_fonts],
        help_text=_("Families that the site has loaded itself, separated by commas."),
    )

    class Meta(Entry.Meta):
        verbose_name = _("web site")
        verbose_name_plural = _("web sites")
        constraints = [
            models.UniqueConstraint(
                fields=["hosts_statement"],
                condition=Q(hosts_statement=True),
                name="website_one_hosts_statement",
                violation_error_message=_("Another web site has these pages already."),
            ),
            models.CheckConstraint(name="website_language_known", condition=Q(default_language__in=["en", "nl"])),
            # Rules C14: a year at most, and no shorter for a refusal than for consent.
            models.CheckConstraint(
                name="website_choice_holds_1_to_12_months",
                condition=Q(consent_months__gte=1, consent_months__lte=12),
                violation_error_message=_("A choice holds for 1 to 12 months."),
            ),
            models.CheckConstraint(
                name="website_position_known", condition=Q(position__in=["corner", "bottom", "centre"])
            ),
            models.CheckConstraint(
                name="website_background_and_foreground_together",
                condition=Q(background="", foreground="") | ~Q(background="") & ~Q(foreground=""),
                violation_error_message=_("Give background and text colour together, or neither."),
            ),
        ]

    @property
    def consent_days(self):
        """How long a choice holds, in days: a twelfth of a year a month, rounded down."""
        return self.consent_months * 365 // 12

    def clean(self):
        """Raises ValidationError where the colours could not be told apart (WCAG 1.4.3, 1.4.11)."""
        try:
            check_contrast(background=self.background, foreground=self.foreground, accent=self.accent)
        except ValidationError as error:
            raise ValidationError({"accent" if error.code == "accent" else "foreground": error}) from error


class WebsiteOrigin(models.Model):
    """An address under which a web site is reached, as browsers write it in ``Origin``."""

    website = models.ForeignKey(Website, models.CASCADE, related_name="origins")
    origin = models.CharField(
        _("origin"),
        max_length=200,
        validators=[validate_origin],
        help_text=_("Such as https://www.example.nl, or https://*.example.nl for all names one level below it."),
    )
    order = models.PositiveIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("origin")
        verbose_name_plural = _("origins")
        ordering = ["order", "id"]
        constraints = [
            models.UniqueConstraint(fields=["website", "origin"], name="website_origin_once"),
        ]

    def __str__(self):
        return self.origin


class VendorSafeguard(Entry):
    """What has been arranged with a vendor to protect visitors."""

    name = models.CharField(_("name"), max_length=200)

    class Meta(Entry.Meta):
        verbose_name = _("vendor safeguard")
        verbose_name_plural = _("vendor safeguards")


class AnalyticsCondition(models.TextChoices):
    """What has to be arranged before analytics may go without consent in the Netherlands.

    The six steps that the supervisory authority (AP) asks for; see ``validators.CONDITIONS``.
    """

    AGREEMENT = "agreement", _("processing agreement signed")
    MASKED_IP = "masked-ip", _("IP address masked")
    NO_SHARING = "no-sharing", _("sharing of data with the vendor switched off")
    NO_ADVERTISING = "no-advertising", _("use for advertising switched off")
    NO_USER_ID = "no-user-id", _("following a user across devices switched off")
    INFORMED = "informed", _("visitors informed, and able to opt out")


LIFETIME_KNOWN = Q(lifetime=SESSION) | Q(lifetime__startswith="P")


class CookieVendor(Entry):
    """A company whose cookies or similar techniques a web site uses."""

    name = models.CharField(_("name"), max_length=120)
    company = models.CharField(_("company"), max_length=160)
    country = models.CharField(_("country"), max_length=2, validators=[validate_country])
    category = models.ForeignKey(CookieCategory, models.PROTECT, related_name="vendors", verbose_name=_("category"))
    purpose = models.TextField(_("purpose"))
    lifetime = models.CharField(
        _("lifetime"),
        max_length=16,
        validators=[validate_lifetime],
        help_text=_("“session”, or a period such as P13M."),
    )
    lifetime_is_maximum = models.BooleanField(_("at most"), default=False)
    privacy_url = models.URLField(_("its privacy statement"), max_length=300, blank=True)
    consent_reason = models.TextField(_("why consent is or is not needed"), blank=True)
    analytics_conditions = models.CharField(
        _("conditions for analytics without consent"),
        max_length=120,
        blank=True,
        validators=[validate_conditions],
        help_text=_("What has been arranged, as the supervisory authority asks of analytics without consent."),
    )
    safeguards = models.ManyToManyField(
        VendorSafeguard, blank=True, related_name="vendors", verbose_name=_("safeguards")
    )
    websites = models.ManyToManyField(
        Website,
        blank=True,
        related_name="vendors",
        verbose_name=_("web sites"),
        help_text=_("None: not limited to particular web sites; the banner of each asks for it."),
    )
    hosts = models.CharField(
        _("hosts"),
        max_length=600,
        blank=True,
        validators=[validate_hosts],
        help_text=_(
            "Where it loads from, such as “maps.example.com www.example.com/maps”, subdomains included. What a "
            "page loads from there is held back until it is allowed, also where nobody marked it."
        ),
    )
    signals = models.CharField(
        _("signals"),
        max_length=300,
        blank=True,
        validators=[validate_signals],
        help_text=_("Signals that follow the answer for this vendor instead of that for its category."),
    )

    class Meta(Entry.Meta):
        verbose_name = _("cookie vendor")
        verbose_name_plural = _("cookie vendors")
        constraints = [
            models.CheckConstraint(
                name="vendor_has_company_and_country", condition=filled("company") & Q(country__length=2)
            ),
            models.CheckConstraint(name="vendor_lifetime_known", condition=LIFETIME_KNOWN),
            models.CheckConstraint(
                name="vendor_maximum_has_period",
                condition=Q(lifetime_is_maximum=False) | ~Q(lifetime=SESSION),
                violation_error_message=_("“At most” needs a period."),
            ),
        ]


class Cookie(models.Model):
    """A cookie, or another thing that a vendor stores in the browser."""

    class Storage(models.TextChoices):
        COOKIE = "cookie", _("cookie")
        LOCAL = "local", _("local storage")
        SESSION = "session", _("session storage")
        INDEXED_DB = "indexed-db", _("IndexedDB")
        PIXEL = "pixel", _("pixel")

    class Party(models.TextChoices):
        FIRST = "first", pgettext_lazy("cookie", "first party")
        THIRD = "third", pgettext_lazy("cookie", "third party")

    vendor = models.ForeignKey(CookieVendor, models.CASCADE, related_name="cookies")
    name = models.CharField(
        _("name"),
        max_length=120,
        validators=[validate_cookie_name],
        help_text=_("An asterisk stands for any text: _ga_*."),
    )
    storage = models.CharField(_("kind of storage"), max_length=10, choices=Storage, default=Storage.COOKIE)
    party = models.CharField(_("set by"), max_length=5, choices=Party, default=Party.FIRST)
    lifetime = models.CharField(_("lifetime"), max_length=16, validators=[validate_lifetime])
    http_only = models.BooleanField(
        _("out of reach of scripts"),
        default=False,
        help_text=_("Marked HttpOnly. The banner cannot remove it; the cookies page says so."),
    )
    order = models.PositiveIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("cookie")
        verbose_name_plural = _("cookies")
        ordering = ["order", "id"]
        constraints = [
            models.UniqueConstraint(fields=["vendor", "name", "storage"], name="cookie_once"),
            models.CheckConstraint(
                name="cookie_storage_and_party_known",
                condition=Q(storage__in=["cookie", "local", "session", "indexed-db", "pixel"])
                & Q(party__in=["first", "third"]),
            ),
            models.CheckConstraint(name="cookie_lifetime_known", condition=LIFETIME_KNOWN),
            models.CheckConstraint(
                name="cookie_http_only_is_a_cookie",
                condition=Q(http_only=False) | Q(storage="cookie"),
                violation_error_message=_("Only a cookie can be out of reach of scripts."),
            ),
        ]

    def __str__(self):
        return self.name


class Section(models.Model):
    """A part of a public page: free text, or what is generated from the lists above."""

    class Page(models.TextChoices):
        SUMMARY = "summary", _("summary")
        STATEMENT = "statement", _("statement")

    class Part(models.TextChoices):
        TEXT = "text", _("free text")
        PURPOSES = "purposes", _("purposes")
        SHARING = "sharing", _("grounds for sharing and recipients")
        TRANSFERS = "transfers", _("transfers")
        COOKIES = "cookies", _("cookies")
        RIGHTS = "rights", _("rights")
        CONTACT = "contact", _("contact")
        PRINCIPLES = "principles", _("principles")
        MEASURES = "measures", _("security measures")
        SERVICE_LEVELS = "service-levels", _("service levels")

    slug = models.SlugField(
        _("identifier"),
        max_length=80,
        validators=[validate_anchor],
        help_text=_("Also the anchor on the page, the same in both languages."),
    )
    page = models.CharField(_("page"), max_length=10, choices=Page)
    part = models.CharField(_("content"), max_length=16, choices=Part, default=Part.TEXT)
    heading = models.CharField(_("heading"), max_length=160)
    text = models.TextField(_("text"), blank=True, help_text=MARKDOWN)
    order = models.PositiveIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("section")
        verbose_name_plural = _("sections")
        ordering = ["page", "order", "slug"]
        constraints = [
            models.UniqueConstraint(fields=["page", "slug"], name="section_anchor_once"),
            models.UniqueConstraint(
                fields=["page", "part"],
                condition=~Q(part="text"),
                name="section_generated_part_once",
                violation_error_message=_("That part is on the page already."),
            ),
            models.CheckConstraint(
                name="section_page_and_part_known",
                condition=Q(page__in=["summary", "statement"])
                & Q(
                    part__in=[
                        "text",
                        "purposes",
                        "sharing",
                        "transfers",
                        "cookies",
                        "rights",
                        "contact",
                        "principles",
                        "measures",
                        "service-levels",
                    ]
                ),
            ),
        ]

    def __str__(self):
        return self.heading or self.slug


# Who approves is somebody else than who submitted; nobody approves where four eyes are not asked for.
FOUR_EYES = Q(approved_by="", approved_at=None) | ~Q(approved_by="") & ~Q(approved_by=F("submitted_by")) & Q(
    approved_at__isnull=False
)


class StatementVersionQuerySet(AppendOnlyQuerySet):
    def in_force(self, at):
        """The version that holds at the moment ``at``, or None."""
        return self.filter(effective_at__lte=at).order_by("-number").first()


class StatementVersion(AppendOnlyModel):
    """A published statement: both languages, cookies and retention included, frozen.

    ``document`` is canonical JSON (see ``snapshot.canonical``) and carries its number, its
    effective moment and the digest of the version before it, so that one SHA-256 covers the
    text and its place in the chain.
    """

    number = models.PositiveIntegerField(_("number"), unique=True)
    document = models.TextField(_("content"))
    digest = models.CharField("SHA-256", max_length=64, unique=True)
    previous_digest = models.CharField(_("SHA-256 of the version before"), max_length=64, blank=True)
    effective_at = models.DateTimeField(_("in force from"))
    published_at = models.DateTimeField(_("published at"), db_default=Now())
    published_by = models.CharField(_("published by"), max_length=150)
    submitted_by = models.CharField(_("submitted by"), max_length=150, blank=True)
    approved_by = models.CharField(_("approved by"), max_length=150, blank=True)
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    # What the review found and what was waived, and why; for the office. Its SHA-256 is in the document.
    review = models.TextField(_("review"), blank=True)
    change_summary_en = models.TextField(_("what changed (English)"))
    change_summary_nl = models.TextField(_("what changed (Dutch)"))
    asks_again = models.JSONField(
        _("asks again for"),
        default=dict,
        help_text=_("Per web site, the cookie categories for which visitors are asked again."),
    )

    objects = StatementVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("statement version")
        verbose_name_plural = _("statement versions")
        ordering = ["-number"]
        permissions = [("publish_statement", "Can publish the statement")]
        constraints = [
            models.CheckConstraint(
                name="version_digests_are_sha256",
                condition=Q(digest__length=64)
                & (Q(number=1, previous_digest="") | Q(number__gt=1, previous_digest__length=64)),
            ),
            models.CheckConstraint(
                name="version_says_what_changed",
                condition=filled("change_summary_en") & filled("change_summary_nl"),
            ),
            models.CheckConstraint(name="version_four_eyes", condition=FOUR_EYES),
        ]

    def __str__(self):
        return _("version %(number)s") % {"number": self.number}


class StatementPdf(AppendOnlyModel):
    """The PDF of a version in one language, as it was made at publication."""

    version = models.ForeignKey(StatementVersion, models.PROTECT, related_name="pdfs", verbose_name=_("version"))
    language = models.CharField(_("language"), max_length=2)
    body = models.BinaryField()
    digest = models.CharField("SHA-256", max_length=64)

    class Meta:
        verbose_name = _("PDF")
        verbose_name_plural = _("PDFs")
        constraints = [
            models.UniqueConstraint(fields=["version", "language"], name="pdf_once_per_language"),
            models.CheckConstraint(
                name="pdf_language_and_digest_known",
                condition=Q(language__in=["en", "nl"]) & Q(digest__length=64),
            ),
        ]

    def __str__(self):
        return f"{self.version} ({self.language})"


class Waiver(models.Model):
    """A finding of the review with which a publisher accepts to publish, and why.

    It counts for the finding ``code`` at ``place`` (see ``review.Finding``). Where ``about`` is
    given, it lapses as soon as the text changes that was found wanting.
    """

    code = models.CharField(_("finding"), max_length=24)
    place = models.CharField(_("place"), max_length=300)
    about = models.CharField(_("what was found"), max_length=64, blank=True)
    reason = models.TextField(
        _("reason"), blank=True, help_text=_("Why it is right to publish all the same; in either language.")
    )
    waived_by = models.CharField(_("waived by"), max_length=150, blank=True)
    waived_at = models.DateTimeField(_("waived at"), db_default=Now())

    class Meta:
        verbose_name = _("waiver")
        verbose_name_plural = _("waivers")
        ordering = ["code", "place"]
        constraints = [
            models.UniqueConstraint(fields=["code", "place"], name="waiver_once"),
            models.CheckConstraint(
                name="waiver_has_reason",
                condition=filled("reason_en") | filled("reason_nl"),
                violation_error_message=_("Give the reason, in English or in Dutch."),
            ),
        ]

    def __str__(self):
        return f"{self.code} · {self.place}"


class Proposal(models.Model):
    """A draft that was handed in to be published: exactly ``content``, and nothing that is edited later.

    ``digest`` is that of the draft (``publishing.Draft.digest``), ``previous`` of the version on which
    it builds. Both are compared at every step, so that nobody approves or publishes what they
    have not seen.
    """

    class State(models.TextChoices):
        SUBMITTED = "submitted", pgettext_lazy("state of a proposal", "submitted")
        APPROVED = "approved", pgettext_lazy("state of a proposal", "approved")
        SCHEDULED = "scheduled", pgettext_lazy("state of a proposal", "scheduled")
        PUBLISHED = "published", pgettext_lazy("state of a proposal", "published")
        RETURNED = "returned", pgettext_lazy("state of a proposal", "returned")
        WITHDRAWN = "withdrawn", pgettext_lazy("state of a proposal", "withdrawn")
        LAPSED = "lapsed", pgettext_lazy("state of a proposal", "lapsed")

    OPEN = (State.SUBMITTED, State.APPROVED, State.SCHEDULED)

    state = models.CharField(_("state"), max_length=10, choices=State, default=State.SUBMITTED)
    digest = models.CharField("SHA-256", max_length=64)
    previous = models.CharField(_("SHA-256 of the version before"), max_length=64, blank=True)
    content = models.TextField(_("content"))
    review = models.TextField(_("review"))
    change_summary_en = models.TextField(_("what changed (English)"))
    change_summary_nl = models.TextField(_("what changed (Dutch)"))
    ask_also = models.JSONField(_("asked again by choice"), default=dict, blank=True)
    submitted_by = models.CharField(_("submitted by"), max_length=150)
    # The keys of the accounts, where there are such: a name can be given to another account.
    submitter = models.BigIntegerField(null=True, blank=True, editable=False)
    approver = models.BigIntegerField(null=True, blank=True, editable=False)
    submitted_at = models.DateTimeField(_("submitted at"), db_default=Now())
    approved_by = models.CharField(_("approved by"), max_length=150, blank=True)
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    effective_at = models.DateTimeField(_("in force from"), null=True, blank=True)
    published_by = models.CharField(_("published by"), max_length=150, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=150, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    comment = models.TextField(_("comment"), blank=True)
    version = models.OneToOneField(
        StatementVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="proposal",
        verbose_name=_("version"),
    )

    class Meta:
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")
        ordering = ["-submitted_at", "-id"]
        permissions = [("submit_statement", "Can submit the statement for approval")]
        constraints = [
            models.CheckConstraint(
                name="proposal_state_known",
                condition=Q(
                    state__in=["submitted", "approved", "scheduled", "published", "returned", "withdrawn", "lapsed"]
                ),
            ),
            models.CheckConstraint(
                name="proposal_says_what_changed",
                condition=filled("change_summary_en") & filled("change_summary_nl"),
            ),
            models.CheckConstraint(name="proposal_four_eyes", condition=FOUR_EYES),
            models.CheckConstraint(
                name="proposal_four_eyes_of_accounts",
                condition=Q(approver=None) | Q(submitter=None) | ~Q(approver=F("submitter")),
            ),
            models.CheckConstraint(
                name="proposal_scheduled_has_moment",
                condition=~Q(state="scheduled") | Q(effective_at__isnull=False) & ~Q(published_by=""),
            ),
            models.CheckConstraint(
                name="proposal_published_has_version",
                condition=Q(state="published", version__isnull=False) | ~Q(state="published") & Q(version=None),
            ),
            models.CheckConstraint(
                name="proposal_returned_says_why", condition=~Q(state="returned") | filled("comment")
            ),
            # Two drafts cannot both follow the same version.
            models.UniqueConstraint(
                fields=["previous"],
                condition=Q(state__in=["submitted", "approved", "scheduled"]),
                name="proposal_one_open",
            ),
        ]

    def __str__(self):
        return _("proposal %(number)s") % {"number": self.pk}

    @property
    def is_open(self):
        return self.state in self.OPEN
