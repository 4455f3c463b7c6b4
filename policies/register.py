"""The record of processing activities of Art. 30 GDPR, from the same content as the statement.

One row per purpose. What the statement says is that of the draft or of a published version; what
only the office knows (owner, system, assessment, dates, balancing test) has no versions in the
statement, and is always that of today.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Max, Min
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override, pgettext_lazy

from . import sheets, vocabulary
from .models import (
    ProcessingPurpose,
    PurposeData,
    PurposeLegalBasis,
    PurposeRecipient,
    PurposeRetention,
    StatementVersion,
)
from .reading import completed, read
from .rendering import parse
from .review.countries import lies_outside
from .snapshot import compose, compose_internal
from .templatetags.statement import article, as_plain, instrument_article

Cell = tuple[str, ...] | date | None  # lines of text, or a day


@dataclass(frozen=True)
class Column:
    """``width`` is that in a spreadsheet, in characters; ``is_general`` says that all rows have the same."""

    key: str
    label: Any
    width: int
    is_general: bool = False


# Letters of Art. 30(1): (a) who, (b) purposes, (c) people and data, (d) recipients, (e) transfers,
# (f) erasure, (g) security; then what an office needs to keep it up to date.
COLUMNS = (
    Column("reference", gettext_lazy("reference"), 18),
    Column("purpose", gettext_lazy("purpose"), 28),
    Column("part_of", pgettext_lazy("register", "part of the purpose"), 20),
    Column("description", gettext_lazy("what we do and why"), 50),
    Column("status", gettext_lazy("status"), 18),
    Column("controller", gettext_lazy("controller"), 32, is_general=True),
    Column("joint_controllers", gettext_lazy("joint controllers"), 26),
    Column("representative", gettext_lazy("representative in the EU"), 24, is_general=True),
    Column("officer", gettext_lazy("data protection officer"), 28, is_general=True),
    Column("data_subjects", gettext_lazy("categories of data subjects"), 24),
    Column("data", gettext_lazy("categories of personal data"), 34),
    Column("special", gettext_lazy("special categories among them"), 24),
    Column("source", gettext_lazy("source of the data"), 26),
    Column("legal_bases", gettext_lazy("legal bases"), 40),
    Column("balancing_tests", gettext_lazy("balancing tests"), 28),
    Column("recipients", gettext_lazy("recipients"), 36),
    Column("transfers", gettext_lazy("transfers outside the EEA"), 32),
    Column("safeguards", gettext_lazy("safeguards of transfers, and where to read them"), 40),
    Column("erasure", gettext_lazy("time limits for erasure"), 42),
    Column("measures", gettext_lazy("security measures"), 40, is_general=True),
    Column("automation", gettext_lazy("profiling and automated decisions"), 28),
    Column("system", gettext_lazy("system"), 22),
    Column("owner", gettext_lazy("owner"), 20),
    Column("dpia", gettext_lazy("impact assessment (DPIA)"), 20),
    Column("dpia_reference", gettext_lazy("reference of the assessment"), 24),
    Column("review_on", gettext_lazy("to be reviewed on"), 14),
    Column("starts_on", gettext_lazy("processing starts on"), 14),
    Column("made_on", pgettext_lazy("register", "entered on"), 14),
    Column("updated_on", pgettext_lazy("register", "updated on"), 14),
)


@dataclass(frozen=True)
class Row:
    """A purpose: its cells by column. ``is_overdue`` says that its review should have been done."""

    slug: str
    cells: dict[str, Cell]
    is_overdue: bool


@dataclass(frozen=True)
class Register:
    """The register in one language. ``about`` says, a sentence each, what it was made from."""

    language: str
    title: str
    header: dict[str, str]
    rows: tuple[Row, ...]
    about: tuple[str, ...]
    content: dict[str, Any]
    internal: dict[str, Any]
    moments: "Moments"
    made_at: datetime

    @property
    def general(self) -> dict[str, Cell]:
        """What is the same for all purposes."""
        cells = self.rows[0].cells if self.rows else {}
        return {column.key: cells[column.key] for column in COLUMNS if column.is_general and column.key in cells}


# When each purpose was entered and last changed, parts included; by its identifier.
Moments = dict[str, tuple[datetime, datetime]]


def make_register(*, language: str, version: StatementVersion | None = None, now: datetime | None = None) -> Register:
    """The register of ``version``, of the draft where that is None, in ``language`` ("en", "nl")."""
    now = now or timezone.now()
    in_force = StatementVersion.objects.in_force(now)
    published = completed(parse(in_force.document)["content"]) if in_force else None
    content = completed(parse(version.document)["content"]) if version else compose()
    internal = compose_internal()
    moments = _moments()
    with override(language):
        if version:
            statuses = dict.fromkeys(_slugs(content), _status_of(version, in_force))
        else:
            statuses = _statuses(content, published, in_force)
        maker = _RowMaker(content, internal, moments, timezone.localdate(now), language)
        rows = [maker.row(purpose, statuses[purpose["slug"]]) for purpose in maker.texts["purposes"]]
        if version is None and published is not None:
            rows += _still_in_force(content, published, internal, moments, now, language)
        return Register(
            language=language,
            title=_("Register of processing activities"),
            header={column.key: capfirst(str(column.label)) for column in COLUMNS},
            rows=tuple(rows),
            about=tuple(_about(content, version, now)),
            content=content,
            internal=internal,
            moments=moments,
            made_at=now,
        )


# -- Files -----------------------------------------------------------------------------------


def as_csv(register: Register) -> Iterator[str]:
    """The register as CSV, line by line."""
    return sheets.csv_lines(list(register.header.values()), _values(register))


def as_xlsx(register: Register) -> bytes:
    """The register as a workbook."""
    with override(register.language):
        return sheets.workbook(
            title=register.title,
            language=register.language,
            header=list(register.header.values()),
            widths=[column.width for column in COLUMNS],
            rows=_values(register),
            about=list(register.about),
        )


def _values(register: Register) -> Iterator[list[sheets.Value]]:
    for row in register.rows:
        yield [_flat(row.cells[column.key]) for column in COLUMNS]


def _flat(cell: Cell) -> sheets.Value:
    return "\n".join(cell) if isinstance(cell, tuple) else cell


def as_jsonld(register: Register) -> dict[str, Any]:
    """The register in terms of the Data Privacy Vocabulary 2.3, both languages at once.

    The vocabulary has no term for the dates of review and of the start: they are in the other forms.
    """
    content = register.content
    entries = vocabulary.entries_of(content)
    responsible = {"dpv:hasDataController": vocabulary.controller_of(content)} if content["controller"] else {}
    return {
        "@context": vocabulary.CONTEXT,
        "@type": "dpv:ROPA",
        "dct:title": [{"@value": register.title, "@language": register.language}],
        "dct:created": {"@value": register.made_at.isoformat(timespec="seconds"), "@type": "xsd:dateTime"},
        **responsible,
        "dpv:hasProcess": [
            vocabulary.process(purpose, entries) | _internal_terms(purpose, register) for purpose in content["purposes"]
        ],
        "dpv:hasTechnicalOrganisationalMeasure": vocabulary.measures_of(content),
    }


def _internal_terms(purpose: dict[str, Any], register: Register) -> dict[str, Any]:
    kept = register.internal["purposes"].get(purpose["slug"])
    terms: dict[str, Any] = {}
    if purpose["slug"] in register.moments:
        made, updated = register.moments[purpose["slug"]]
        terms |= {
            name: {"@value": moment.isoformat(timespec="seconds"), "@type": "xsd:dateTime"}
            for name, moment in (("dct:created", made), ("dct:modified", updated))
        }
    if kept is None:
        return terms
    if kept["owner"]:
        terms["dpv:hasResponsibleEntity"] = {"@type": "dpv:OrganisationalUnit", "dpv:hasName": kept["owner"]}
    if kept["system"]:
        terms["dpv:isImplementedUsingTechnology"] = {"@type": "dpv:Technology", "dct:title": kept["system"]}
    assessments = [
        {"@type": "dpv:LegitimateInterestAssessment", "dct:identifier": reference}
        for reference in kept["balancing_tests"].values()
        if reference
    ]
    needed = {"not-needed": "eu-gdpr:DPIANotRequired", "to-do": "eu-gdpr:DPIARequired"}
    if kept["dpia"] in needed:
        outcome = {"@id": needed[kept["dpia"]]}
        assessments.append({"@type": "eu-gdpr:DPIANecessityAssessment", "dpv:hasOutcome": outcome})
    elif kept["dpia"]:
        assessments.append({"@type": "dpv:DPIA", "dct:identifier": kept["dpia_reference"]})
    return terms | ({"dpv:hasAssessment": assessments} if assessments else {})


# -- What the office has yet to do -----------------------------------------------------------


def to_do(register: Register) -> dict[str, list[str]]:
    """For each purpose that exists today, what its row lacks: sentences in the language that is active."""
    today = timezone.localdate(register.made_at)
    kept = register.internal["purposes"]
    return {
        purpose["slug"]: list(_to_do(purpose, kept[purpose["slug"]], today))
        for purpose in register.content["purposes"]
        if purpose["slug"] in kept
    }


def _to_do(purpose: dict[str, Any], kept: dict[str, Any], today: date) -> Iterator[str]:
    if not kept["owner"]:
        yield _("Name the owner.")
    if not kept["system"]:
        yield _("Say in which system the data is kept.")
    if not kept["dpia"]:
        yield _("Say whether an impact assessment is needed.")
    if kept["dpia"] == "to-do":
        yield _("Carry out the impact assessment.")
    if kept["dpia"] == "done" and not kept["dpia_reference"]:
        yield _("Say where the impact assessment is kept.")
    interests = [basis["basis"] for basis in purpose["legal_bases"] if basis["article"] == "6(1)(f)"]
    if not all(kept["balancing_tests"].get(basis) for basis in interests):
        yield _("Say where the balancing test is kept.")
    review_on = _day(kept["review_on"])
    if review_on is None:
        yield _("Set a date for the next review.")
    elif review_on < today:
        yield _("The review was due on %(day)s.") % {"day": date_format(review_on, "DATE_FORMAT")}


# -- Where a purpose stands ------------------------------------------------------------------


def _slugs(content: dict[str, Any]) -> list[str]:
    return [purpose["slug"] for purpose in content["purposes"]]


def _statuses(
    content: dict[str, Any], published: dict[str, Any] | None, in_force: StatementVersion | None
) -> dict[str, str]:
    """Each purpose of the draft against the version in force, with all that it refers to."""
    draft, now = _as_read(content), _as_read(published) if published else {}
    statuses = {}
    for slug, said in draft.items():
        if slug not in now or in_force is None:
            statuses[slug] = _("draft only, not in force")
        elif said == now[slug]:
            statuses[slug] = _("in force (version %(number)s)") % {"number": in_force.number}
        else:
            statuses[slug] = _("in force, changed since version %(number)s") % {"number": in_force.number}
    return statuses


def _as_read(content: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    said: dict[str, list[dict[str, Any]]] = {}
    for language in ("en", "nl"):
        for purpose in read(content, language)["purposes"]:
            said.setdefault(purpose["slug"], []).append(purpose)
    return said


def _status_of(version: StatementVersion, in_force: StatementVersion | None) -> str:
    number = {"number": version.number}
    if in_force is None or version.number > in_force.number:
        return _("not in force yet (version %(number)s)") % number
    if version.number == in_force.number:
        return _("in force (version %(number)s)") % number
    return _("superseded (version %(number)s)") % number


def _still_in_force(content, published, internal, moments, now, language) -> list[Row]:
    """Purposes that the draft no longer has, but for which data is processed until that is published."""
    maker = _RowMaker(published, internal, moments, timezone.localdate(now), language)
    gone = set(_slugs(published)) - set(_slugs(content))
    status = _("in force, no longer in the draft")
    return [maker.row(purpose, status) for purpose in maker.texts["purposes"] if purpose["slug"] in gone]


def _moments() -> Moments:
    rows: Any = ProcessingPurpose
    parts: tuple[Any, ...] = (PurposeData, PurposeLegalBasis, PurposeRetention, PurposeRecipient)
    span = (Min("history_date"), Max("history_date"))
    slugs = dict(rows.history.order_by().values_list("id", "slug"))
    spans = list(rows.history.order_by().values_list("id").annotate(*span))
    for model in parts:
        spans += model.history.order_by().values_list("purpose_id").annotate(*span)
    moments: Moments = {}
    for key, first, last in spans:
        if key in slugs:
            made, updated = moments.get(slugs[key], (first, last))
            moments[slugs[key]] = (min(made, first), max(updated, last))
    return moments


def _about(content: dict[str, Any], version: StatementVersion | None, now: datetime) -> Iterator[str]:
    company = content["controller"]["name"] if content["controller"] else ""
    yield _("Kept by %(company)s under Art. 30(1) GDPR.") % {"company": company}
    if version:
        day = date_format(timezone.localtime(version.effective_at), "DATE_FORMAT")
        words = {"number": version.number, "day": day, "digest": version.digest}
        yield _("What the statement says is that of version %(number)s, in force from %(day)s.") % words
        yield _("SHA-256 of that version: %(digest)s") % words
    else:
        yield _("What the statement says is that of the draft; the status tells what of it is in force.")
    yield _("Owner, system, assessments and dates are always the present ones, also beside an older version.")
    yield _("Made on %(moment)s.") % {"moment": date_format(timezone.localtime(now), "DATETIME_FORMAT")}


# -- Cells -----------------------------------------------------------------------------------


class _RowMaker:
    """Fills the cells of one purpose after another, in the language that is active."""

    def __init__(
        self, content: dict[str, Any], internal: dict[str, Any], moments: Moments, today: date, language: str
    ) -> None:
        self.texts = read(content, language)
        self.internal = internal["purposes"]
        self.moments = moments
        self.today = today
        self.general = _general(self.texts)
        countries = {
            country["code"] for purpose in self.texts["purposes"] for country in _countries(purpose["recipients"])
        }
        # A transfer to where no purpose has a recipient belongs to all of them, as far as anybody has said.
        self.untied = [
            transfer
            for transfer in self.texts["transfers"]
            if not any(country["code"] in countries for country in transfer["countries"])
        ]

    def row(self, purpose: dict[str, Any], status: str) -> Row:
        kept = self.internal.get(purpose["slug"])
        cells = self.general | self._public(purpose) | self._kept(purpose, kept or {}) | {"status": (status,)}
        review_on = cells["review_on"]
        return Row(purpose["slug"], cells, isinstance(review_on, date) and review_on < self.today)

    def _public(self, purpose: dict[str, Any]) -> dict[str, Cell]:
        recipients = purpose["recipients"]
        transfers = self._transfers(recipients)
        joint = [entry for entry in recipients if entry["role"] == "joint-controller"]
        return {
            "reference": (purpose["slug"],),
            "purpose": (purpose["title"],),
            "part_of": _lines([purpose["parent_title"] or ""]),
            "description": _lines([as_plain(purpose["description"])]),
            "joint_controllers": _lines(map(_recipient, joint)),
            "data_subjects": _lines(entry["name"] for entry in purpose["data_subjects"]),
            "data": _lines(map(_data, purpose["data"])),
            "special": _lines(entry["name"] for entry in purpose["data"] if entry["is_special"]),
            "source": _lines(_source(purpose)),
            "legal_bases": _lines(map(_basis, purpose["legal_bases"])),
            "recipients": _lines(_recipients(purpose)),
            "transfers": _lines(self._destinations(recipients)),
            "safeguards": _lines(line for transfer in transfers for line in _safeguards(transfer)),
            "erasure": _lines(map(_retention, purpose["retention"])),
            "automation": _lines(_automation(purpose)),
        }

    def _kept(self, purpose: dict[str, Any], kept: dict[str, Any]) -> dict[str, Cell]:
        made, updated = self.moments.get(purpose["slug"], (None, None))
        names = {basis["basis"]: basis["name"] for basis in purpose["legal_bases"]}
        tests = [
            f"{names.get(basis, basis)}: {reference}"
            for basis, reference in kept.get("balancing_tests", {}).items()
            if reference
        ]
        assessment = kept.get("dpia", "")
        return {
            "system": _lines([kept.get("system", "")]),
            "owner": _lines([kept.get("owner", "")]),
            "dpia": _lines([str(ProcessingPurpose.Assessment(assessment).label)] if assessment else []),
            "dpia_reference": _lines([kept.get("dpia_reference", "")]),
            "balancing_tests": _lines(tests),
            "review_on": _day(kept.get("review_on")),
            "starts_on": _day(kept.get("starts_on")),
            "made_on": timezone.localdate(made) if made else None,
            "updated_on": timezone.localdate(updated) if updated else None,
        }

    def _destinations(self, recipients: list[dict[str, Any]]) -> Iterator[str]:
        for entry in recipients:
            if lies_outside(entry["country"]):
                yield f"{entry['country']['name']}: {entry['name']}"
        for transfer in self.untied:
            countries = ", ".join(country["name"] for country in transfer["countries"]) or _("countries not stated")
            yield _("For all purposes: %(transfer)s (%(countries)s)") % {
                "transfer": transfer["name"],
                "countries": countries,
            }

    def _transfers(self, recipients: list[dict[str, Any]]) -> list[dict[str, Any]]:
        codes = {country["code"] for country in _countries(recipients)}
        matching = [
            transfer
            for transfer in self.texts["transfers"]
            if any(country["code"] in codes for country in transfer["countries"])
        ]
        return matching + self.untied


def _general(texts: dict[str, Any]) -> dict[str, Cell]:
    controller = texts["controller"]
    measures = _lines(_measure(measure) for measure in texts["measures"])
    if controller is None:
        return {"controller": (), "representative": (), "officer": (), "measures": measures}
    country = controller["country"]
    officer = controller["dpo"]
    if officer["name"] or officer["email"] or not officer["is_not_required"]:
        named = [officer["name"], officer["email"]]
    else:
        named = [_("No officer is required.")]
    return {
        "controller": _lines(
            [
                controller["name"],
                *controller["postal_address"].splitlines(),
                country["name"] if country else "",
                controller["email"],
                controller["phone"],
                controller["contact_url"],
            ]
        ),
        "representative": _lines(controller["representative"].splitlines()),
        "officer": _lines([*named, controller["privacy_email"]]),
        "measures": measures,
    }


def _measure(measure: dict[str, Any]) -> str:
    explanation = as_plain(measure["explanation"])
    return f"{measure['name']}: {explanation}" if explanation else measure["name"]


def _data(category: dict[str, Any]) -> str:
    return f"{category['name']} ({_('special category')})" if category["is_special"] else category["name"]


def _source(purpose: dict[str, Any]) -> Iterator[str]:
    if not purpose["source"]:
        others = any(category["from_others"] for category in purpose["data"])
        yield "" if others else _("the person whose data it is")
        return
    yield purpose["source"]
    if purpose["source_is_public"] is not None:
        yield _("A public source") if purpose["source_is_public"] else _("Not a public source")


def _basis(basis: dict[str, Any]) -> str:
    said = f"{basis['name']}, {article(basis['article'])}"
    if basis["interest_of"]:
        said += " (" + _("Whose interest: %(whose)s") % {"whose": basis["interest_of"]["name"]} + ")"
    return f"{said}: {basis['explanation']}" if basis["explanation"] else said


def _recipients(purpose: dict[str, Any]) -> Iterator[str]:
    if not purpose["recipients"] and purpose["stays_inside"]:
        yield _("Nobody outside our company")
    yield from map(_recipient, purpose["recipients"])


def _recipient(entry: dict[str, Any]) -> str:
    details = [entry["role_name"], entry["company"], entry["country"]["name"] if entry["country"] else ""]
    return f"{entry['name']} ({', '.join(detail for detail in details if detail)})"


def _countries(recipients: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for entry in recipients:
        if lies_outside(entry["country"]):
            yield entry["country"]


def _safeguards(transfer: dict[str, Any]) -> Iterator[str]:
    for safeguard in transfer["safeguards"]:
        instrument = safeguard["instrument"]
        yield f"{safeguard['name']}, {instrument_article(instrument)}" if instrument else safeguard["name"]
    if transfer["certified_on"]:
        day = date_format(date.fromisoformat(transfer["certified_on"]), "DATE_FORMAT")
        yield _("Certified under the EU-US Data Privacy Framework since %(day)s") % {"day": day}
    if transfer["copy_how"]:
        yield _("Copy: %(how)s") % {"how": transfer["copy_how"]}


def _retention(used: dict[str, Any]) -> str:
    rule, condition = used["rule"], used["applies_when"]
    said = f"{rule['wording']}, {condition}" if condition else rule["wording"]
    return " ".join([f"{said}.", *filter(None, [used["reason"], *rule["details"]])])


def _automation(purpose: dict[str, Any]) -> Iterator[str]:
    if purpose["automation"]:
        yield purpose["automation"]["name"]
        yield purpose["automation_explained"]


def _lines(texts: Any) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _day(written: str | None) -> date | None:
    return date.fromisoformat(written) if written else None
