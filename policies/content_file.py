"""The content file: every editable row in one YAML document, both ways.

``load`` and ``dump`` are inverse to each other. Loading is all or nothing, changes only rows
that differ, removes what the file no longer has, and reports each mistake with its line.
The format is described in ``docs/content-file.md``.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml
from django.core.exceptions import ValidationError
from django.db import models as orm
from django.db import transaction
from django.utils.translation import gettext as _
from modeltranslation.translator import NotRegistered, translator

from retention.characters import UNREADABLE, unreadable
from retention.models import RetentionRule, StatutoryException, Trigger

from . import models

FORMAT = 1
LANGUAGES = ("en", "nl")


@dataclass(frozen=True)
class Part:
    """Rows that belong to another row: ``many`` of them, with the field that points back.

    ``key`` is the name in the file; ``only`` the one field that stands for the whole row,
    where there is just one.
    """

    model: type[orm.Model]
    parent: str
    key: str
    fields: tuple[str, ...]
    only: bool = False

    def identity(self, row: orm.Model) -> tuple[Any, ...]:
        """What tells ``row`` from the others of its parent: the values of the model's unique key."""
        key = next(c for c in self.model._meta.constraints if isinstance(c, orm.UniqueConstraint))
        return tuple(row.serializable_value(name) for name in key.fields)


@dataclass(frozen=True)
class Kind:
    """A list in the file: its key, the model behind it, its fields in order, its parts.

    ``exclusive`` is a field of which each value but the default belongs to one row at most.
    """

    key: str
    model: type[orm.Model]
    fields: tuple[str, ...]
    parts: tuple[Part, ...] = ()
    identity: tuple[str, ...] = ("slug",)
    exclusive: str = ""


CONTROLLER_FIELDS = (
    "name", "short_name", "product", "country", "website", "postal_address", "registration_number",
    "email", "phone", "contact_url", "representative", "dpo_name", "dpo_email", "dpo_not_required", "privacy_email",
    "supervisor", "supervisor_url", "reaches_children", "children", "statement_title", "summary_title", "summary",
)  # fmt: skip

# In the order in which rows refer to each other.
KINDS = (
    Kind("triggers", Trigger, ("name", "after", "until", "rounding")),
    Kind("statutory_exceptions", StatutoryException, ("name", "law", "period")),
    Kind(
        "retention_rules",
        RetentionRule,
        ("trigger", "follows", "period", "is_maximum", "action", "needs_consent", "ends_early_on", "exceptions"),
    ),
    Kind("data_subjects", models.DataSubjectCategory, ("name", "dpv")),
    Kind("data_categories", models.DataCategory, ("name", "explanation", "is_special", "from_others", "dpv")),
    Kind(
        "recipients",
        models.Recipient,
        ("kind", "role", "name", "company", "country", "task", "privacy_url", "dpv"),
    ),
    Kind(
        "purposes",
        models.ProcessingPurpose,
        (
            "parent",
            "title",
            "description",
            "data_subjects",
            "opt_out",
            "opt_out_how",
            "source",
            "source_is_public",
            "stays_inside",
            "provision",
            "provision_consequence",
            "automation",
            "automation_explained",
            "owner",
            "system",
            "dpia",
            "dpia_reference",
            "review_on",
            "starts_on",
            "shows_last_kept",
            "dpv",
            "dpv_processing",
        ),
        (
            Part(models.PurposeData, "purpose", "data", ("category",), only=True),
            Part(
                models.PurposeLegalBasis,
                "purpose",
                "legal_bases",
                ("basis", "explanation", "interest_of", "balancing_test"),
            ),
            Part(models.PurposeRetention, "purpose", "retention", ("rule", "applies_when", "reason")),
            Part(models.PurposeRecipient, "purpose", "recipients", ("recipient",), only=True),
        ),
    ),
    Kind("sharing_grounds", models.SharingGround, ("name", "explanation", "basis")),
    Kind("transfer_safeguards", models.TransferSafeguard, ("name", "instrument", "dpv")),
    Kind(
        "transfers",
        models.Transfer,
        ("name", "explanation", "countries", "safeguards", "certified_on", "copy_how"),
    ),
    Kind("rights", models.DataSubjectRight, ("article", "name", "explanation", "dpv")),
    Kind("principles", models.Principle, ("name", "explanation", "dpv")),
    Kind("measures", models.SecurityMeasure, ("name", "explanation", "dpv")),
    Kind("service_levels", models.ServiceLevel, ("name", "explanation")),
    Kind("cookie_categories", models.CookieCategory, ("name", "purpose", "needs_consent", "signals", "dpv")),
    Kind("vendor_safeguards", models.VendorSafeguard, ("name",)),
    Kind(
        "websites",
        models.Website,
        (
            "name",
            "default_language",
            "hosts_statement",
            "consent_months",
            "shared_domain",
            "banner_title",
            "banner_text",
            "position",
            "background",
            "foreground",
            "accent",
            "radius",
            "fonts",
        ),
        (Part(models.WebsiteOrigin, "website", "origins", ("origin",), only=True),),
        exclusive="hosts_statement",
    ),
    Kind(
        "cookie_vendors",
        models.CookieVendor,
        (
            "name",
            "company",
            "country",
            "category",
            "purpose",
            "lifetime",
            "lifetime_is_maximum",
            "privacy_url",
            "consent_reason",
            "analytics_conditions",
            "safeguards",
            "websites",
            "hosts",
            "signals",
        ),
        (Part(models.Cookie, "vendor", "cookies", ("name", "storage", "party", "lifetime", "http_only")),),
    ),
    Kind("sections", models.Section, ("part", "heading", "text"), identity=("page", "slug"), exclusive="part"),
    Kind("waivers", models.Waiver, ("about", "reason"), identity=("code", "place")),
)

# One text in the database, a list in the file: separated by spaces.
WORD_LISTS = {"dpv", "dpv_processing", "countries", "hosts", "signals", "analytics_conditions"}


class ContentFileError(Exception):
    """The file was not loaded; ``problems`` says why, a line of the file and a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass
class Changes:
    """How many rows a load added, changed and removed."""

    added: int = 0
    changed: int = 0
    removed: int = 0

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


# -- Loading ---------------------------------------------------------------------------------


def load(text: str) -> Changes:
    """Make the rows what the YAML ``text`` says. Raises ContentFileError, having changed nothing."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ContentFileError([_("line %(line)s: ") % {"line": line} + unreadable(chr(error.character))]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = _("line %(line)s: ") % {"line": mark.line + 1} if mark else ""
        raise ContentFileError([f"{where}{getattr(error, 'problem', None) or error}"]) from error
    except RecursionError as error:
        raise ContentFileError([_("the lists in it lie too deep in each other.")]) from error
    loader = Loader()
    with transaction.atomic():
        loader.document(node)
        if loader.problems:
            raise ContentFileError([sentence for _line, sentence in sorted(loader.problems)])
    return loader.changes


@dataclass
class Loader:
    """One pass over the nodes of a file, collecting problems instead of stopping at the first."""

    changes: Changes = field(default_factory=Changes)
    problems: list[tuple[int, str]] = field(default_factory=list)
    known: dict[type[orm.Model], dict[str, Any]] = field(default_factory=dict)
    # The rows of each list as they were, and what they held.
    existing: dict[type[orm.Model], list[Any]] = field(default_factory=dict)
    stored: dict[orm.Model, dict[str, Any]] = field(default_factory=dict)
    # Rows with a value that could not be read: told once, and not validated on top of it.
    broken: list[orm.Model] = field(default_factory=list)

    def problem(self, node: yaml.Node, sentence: str) -> None:
        line = node.start_mark.line + 1
        self.problems.append((line, _("line %(line)s: ") % {"line": line} + sentence))

    def read(self, rows: orm.QuerySet) -> list[Any]:
        """The rows, in the order of their model, after noting what they hold."""
        found = list(rows)
        self.stored |= {row: dict(row.__dict__) for row in found}
        return found

    def document(self, node: yaml.Node | None) -> None:
        if not isinstance(node, yaml.MappingNode):
            self.problems.append((1, _("line %(line)s: ") % {"line": 1} + _("the file is empty or not a mapping.")))
            return
        self.characters(node)
        keys = self.mapping(
            node, {"format", "controller", *(kind.key for kind in KINDS)}, required={"format", "controller"}
        )
        if "format" in keys and self.scalar(keys["format"]) != FORMAT:
            self.problem(keys["format"], _("this software reads format %(format)s.") % {"format": FORMAT})
            return
        if "controller" in keys:
            self.controller(keys["controller"])
        for kind in KINDS:
            self.rows(kind, self.sequence(keys[kind.key]) if kind.key in keys else [])
        if not self.problems:
            self.remove_others()

    def controller(self, node: yaml.Node) -> None:
        row = next(iter(self.read(models.Controller.objects.all())), None) or models.Controller()
        values = self.mapping(node, set(CONTROLLER_FIELDS), required={"name", "short_name", "country"})
        self.assign(row, CONTROLLER_FIELDS, values, node)
        self.save(row, node)

    def characters(self, root: yaml.Node) -> None:
        """Tell which values hold what no text may, and put a mark there to go on with."""
        nodes, seen = [root], set()
        while nodes:
            node = nodes.pop()
            if id(node) in seen:
                continue  # an alias
            seen.add(id(node))
            if isinstance(node, yaml.MappingNode):
                nodes.extend(child for pair in node.value for child in pair)
            elif isinstance(node, yaml.SequenceNode):
                nodes.extend(node.value)
            elif found := UNREADABLE.search(node.value):
                self.problem(node, unreadable(found[0]))
                node.value = UNREADABLE.sub("\N{REPLACEMENT CHARACTER}", node.value)

    def rows(self, kind: Kind, nodes: list[yaml.Node]) -> None:
        existing = self.existing[kind.model] = self.read(kind.model._default_manager.all())
        by_identity = {tuple(getattr(row, name) for name in kind.identity): row for row in existing}
        known = self.known[kind.model] = {}
        pending = []
        lists: dict[tuple[str, ...], list[Any]] = {}  # one, or one for each page
        for node in nodes:
            allowed = {*kind.identity, *kind.fields, *(part.key for part in kind.parts)}
            values = self.mapping(node, allowed, required=set(kind.identity))
            identity = tuple(self.written(values[name]) for name in kind.identity if name in values)
            if len(identity) < len(kind.identity):
                continue
            key = "/".join(identity)
            if key in known:
                self.problem(node, _("“%(slug)s” stands in this list twice.") % {"slug": key})
                continue
            row: Any = by_identity.get(identity) or kind.model(**dict(zip(kind.identity, identity, strict=True)))
            known[key] = row
            lists.setdefault(identity[:-1], []).append(row)
            pending.append((node, row, values))
        for rows in lists.values() if hasattr(kind.model, "order") else []:
            number(rows, existing)
        for node, row, values in pending:
            self.assign(row, kind.fields, values, node)
        if kind.exclusive:
            self.vacate(kind)
        for node, row, values in sorted(pending, key=lambda item: depth(item[1])):
            is_new = row._state.adding
            self.save(row, node)
            if row.pk is None:
                continue  # it was refused; so would be what belongs to it
            if self.assign_many(row, kind.fields, values) and not is_new:
                self.changes.changed += 1
            for part in kind.parts:
                self.parts(row, part, values.get(part.key))

    def vacate(self, kind: Kind) -> None:
        """Take from the rows what one only may have and they give up: another may get it, and be saved first."""
        wanted = {row.pk: getattr(row, kind.exclusive) for row in self.known[kind.model].values()}
        leaving = [
            row.pk for row in self.existing[kind.model] if wanted.get(row.pk) != self.stored[row][kind.exclusive]
        ]
        default = kind.model().serializable_value(kind.exclusive)
        kind.model._base_manager.filter(pk__in=leaving).update(**{kind.exclusive: default})

    def assign(self, row: orm.Model, names: tuple[str, ...], values: dict[str, yaml.Node], node: yaml.Node) -> None:
        """Set the plain, translated and foreign-key fields of ``row``; absent keys become empty."""
        before = len(self.problems)
        translated = translated_fields(type(row))
        for name in names:
            model_field: Any = row._meta.get_field(name)
            value = values.get(name)
            if model_field.many_to_many:
                continue
            if name in translated:
                texts = self.texts(value) if value is not None else dict.fromkeys(LANGUAGES, "")
                for language in LANGUAGES:
                    setattr(row, f"{name}_{language}", texts[language])
                # The untranslated column mirrors the first language.
                row.__dict__[name] = texts[LANGUAGES[0]]
            elif model_field.remote_field:
                setattr(row, name, self.reference(value, model_field.remote_field.model) if value is not None else None)
            elif name in WORD_LISTS:
                words = self.sequence(value) if value is not None else []
                setattr(row, name, " ".join(self.written(word) for word in words))
            elif value is None:
                setattr(row, name, model_field.get_default())
            else:
                setattr(row, name, self.plain(value, model_field))
        if len(self.problems) > before:
            self.broken.append(row)

    def assign_many(self, row: orm.Model, names: tuple[str, ...], values: dict[str, yaml.Node]) -> bool:
        """Set the many-to-many fields of ``row``; whether one of them differed."""
        is_changed = False
        for name in names:
            model_field: Any = row._meta.get_field(name)
            if not model_field.many_to_many:
                continue
            nodes = self.sequence(values[name]) if name in values else []
            wanted = [self.reference(node, model_field.remote_field.model) for node in nodes]
            manager = getattr(row, name)
            if {other.pk for other in wanted if other} != set(manager.values_list("pk", flat=True)):
                manager.set([other for other in wanted if other and other.pk])
                is_changed = True
        return is_changed

    def parts(self, parent: orm.Model, part: Part, node: yaml.Node | None) -> None:
        """Make the rows below ``parent`` what the list says; they have no slug but their content."""
        existing = self.read(part.model._default_manager.filter(**{part.parent: parent}))
        others = {part.identity(row): row for row in existing}
        pending = []
        for item in self.sequence(node) if node is not None else []:
            first = part.fields[0]
            values = {first: item} if part.only else self.mapping(item, set(part.fields), required={first})
            row: Any = part.model(**{part.parent: parent})
            self.assign(row, part.fields, values, item)
            if (same := others.pop(part.identity(row), None)) is not None:
                row.pk, row.order, row._state.adding = same.pk, same.order, False
            pending.append((item, row))
        number([row for _item, row in pending], existing)
        for item, row in pending:
            self.save(row, item)
        for row in others.values():
            row.delete()
            self.changes.removed += 1

    def save(self, row: orm.Model, node: yaml.Node) -> None:
        """Validate and store ``row`` if it differs from what is stored."""
        if any(row is other for other in self.broken):
            return
        is_new = row._state.adding
        try:
            for name, other in referred(row).items():
                setattr(row, name, other)  # it may have its key only since it was saved
            if any(other.pk is None for other in referred(row).values()):
                # What it refers to has mistakes of its own, or the two refer to each other.
                row.clean()
                return
            if not is_new and not differs(row, self.stored[row]):
                return  # as it was when it was checked and stored
            row.full_clean(exclude=self.optional(row))
        except ValidationError as error:
            for name, messages in error.message_dict.items():
                for message in dict.fromkeys(messages):
                    self.problem(node, message if name == "__all__" else f"{name}: {message}")
            return
        if is_new:
            row.save()
            self.changes.added += 1
        elif differs(row, self.stored[row]):
            row.save()
            self.changes.changed += 1

    def optional(self, row: orm.Model) -> set[str]:
        """Translated texts may be missing from a draft; publishing asks for them."""
        return set(translated_fields(type(row)))

    def remove_others(self) -> None:
        """Remove what the file no longer has, first what refers to something else."""
        for kind in reversed(KINDS):
            keep = {row.pk for row in self.known[kind.model].values()}
            others = [row for row in self.existing[kind.model] if row.pk not in keep]
            for row in sorted(others, key=depth, reverse=True):
                row.delete()
                self.changes.removed += 1

    # -- Nodes to values --

    def mapping(self, node: yaml.Node, allowed: set[str], required: set[str] = frozenset()) -> dict[str, yaml.Node]:  # type: ignore[assignment]
        if not isinstance(node, yaml.MappingNode):
            self.problem(
                node, _("a mapping with these keys is expected: %(keys)s.") % {"keys": ", ".join(sorted(allowed))}
            )
            return {}
        values: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
            if key not in allowed:
                self.problem(key_node, _("“%(key)s” is not known here.") % {"key": key} + nearest(key, allowed))
            elif key in values:
                self.problem(key_node, _("“%(key)s” is given twice.") % {"key": key})
            elif not is_null(value):
                values[key] = value
        for key in sorted(required - values.keys()):
            self.problem(node, _("“%(key)s” is missing.") % {"key": key})
        return values

    def sequence(self, node: yaml.Node) -> list[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            return node.value
        self.problem(node, _("a list is expected."))
        return []

    def scalar(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            constructor = yaml.SafeLoader("")
            try:
                return constructor.construct_object(node)
            except (yaml.YAMLError, ValueError):
                self.problem(node, _("this value cannot be read."))
                return ""
        self.problem(node, _("a single value is expected."))
        return ""

    def written(self, node: yaml.Node) -> str:
        """A single value as it stands there: with a date, a number or "no" the editor meant the text."""
        self.scalar(node)
        return node.value if isinstance(node, yaml.ScalarNode) else ""

    def plain(self, node: yaml.Node, model_field) -> Any:
        if not isinstance(model_field, orm.BooleanField):
            return self.written(node)
        value = self.scalar(node)
        if not isinstance(value, bool):
            self.problem(node, _("“true” or “false” is expected."))
            return False
        return value

    def texts(self, node: yaml.Node) -> dict[str, str]:
        values = self.mapping(node, set(LANGUAGES))
        return {
            language: self.written(values[language]).strip() if language in values else "" for language in LANGUAGES
        }

    def reference(self, node: yaml.Node, model: type[orm.Model]) -> Any:
        slug = self.written(node)
        known = self.known.get(model, {})
        if slug in known:
            return known[slug]
        name = model._meta.verbose_name
        self.problem(node, _("there is no %(kind)s “%(slug)s”.") % {"kind": name, "slug": slug} + nearest(slug, known))
        return None


def referred(row: orm.Model) -> dict[str, Any]:
    """The rows to which the foreign keys of ``row`` point, by field."""
    names = [f.name for f in row._meta.fields if f.remote_field]
    return {name: other for name in names if (other := getattr(row, name, None)) is not None}


def depth(row: orm.Model) -> int:
    """How many rows of its own list must be saved before ``row``, and may be removed only after it."""
    above: list[orm.Model] = []
    while row not in above:  # in a circle, which is refused elsewhere
        above.append(row)
        row = next((other for other in referred(row).values() if type(other) is type(row)), row)
    return len(above)


def number(rows: list[Any], existing: list[Any]) -> None:
    """Give ``rows`` numbers in their order; who comes after the row before it already keeps its own."""
    places = {row.pk: place for place, row in enumerate(existing)}
    last = (0, -1)
    for row in rows:
        if row.pk in places and (row.order, places[row.pk]) > last:
            last = (row.order, places[row.pk])
        else:
            last = (last[0] + 1, len(existing))
        row.order = last[0]


def translated_fields(model: type[orm.Model]) -> list[str]:
    try:
        options: Any = translator.get_options_for_model(model)  # its fields are set by a metaclass
        return list(options.fields)
    except NotRegistered:
        return []


def differs(row: orm.Model, stored: dict[str, Any]) -> bool:
    """Whether ``row`` holds something else than was ``stored``."""
    mirrored = set(translated_fields(type(row)))
    # A missing text is None in one row and empty in another; a number of 0 is neither.
    held, holds = (
        [
            "" if values[f.attname] is None else values[f.attname]
            for f in row._meta.concrete_fields
            if f.name not in mirrored
        ]
        for values in (stored, row.__dict__)
    )
    return held != holds


def nearest(word: str, known) -> str:
    matches = difflib.get_close_matches(word, list(known), n=1)
    return " " + _("Did you mean “%(word)s”?") % {"word": matches[0]} if matches else ""


def is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


# -- Dumping ---------------------------------------------------------------------------------


class Dumper(yaml.SafeDumper):
    """Block style, long texts as literal blocks, lists indented below their key."""

    def increase_indent(self, flow=False, indentless=False):
        return super().increase_indent(flow, False)


def _represent_text(dumper, text):
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Dumper.add_representer(str, _represent_text)


class Rows:
    """What a dump reads: the rows as they are now. ``history.RowsThen`` has them as they were."""

    def of(self, model: type[orm.Model]) -> Iterable[Any]:
        """All rows of ``model``, in its order."""
        return model._default_manager.all()

    def below(self, row: orm.Model, part: Part) -> Iterable[Any]:
        """The rows of ``part`` that belong to ``row``, in their order."""
        return part.model._default_manager.filter(**{part.parent: row})

    def named_by(self, row: orm.Model, name: str) -> Iterable[Any]:
        """The rows to which the foreign key or the list ``name`` of ``row`` points."""
        found = getattr(row, name)
        if row._meta.get_field(name).many_to_many:
            return found.all()
        return [found] if found else []


def dump(rows: Rows | None = None) -> str:
    """The rows (those of now) as a content file; what is empty is left out."""
    rows = rows or Rows()
    document: dict[str, Any] = {"format": FORMAT}
    controller = next(iter(rows.of(models.Controller)), None)
    if controller is not None:
        document["controller"] = _entry(rows, controller, CONTROLLER_FIELDS)
    for kind in KINDS:
        document[kind.key] = [
            _entry(rows, row, (*kind.identity, *kind.fields))
            | {
                part.key: [
                    _value(rows, child, part.fields[0]) if part.only else _entry(rows, child, part.fields)
                    for child in children
                ]
                for part in kind.parts
                if (children := rows.below(row, part))
            }
            for row in rows.of(kind.model)
        ]
    return yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)


def _entry(rows: Rows, row: orm.Model, names: tuple[str, ...]) -> dict[str, Any]:
    entry = {}
    for name in names:
        value = _value(rows, row, name)
        model_field: Any = row._meta.get_field(name)
        default = None if model_field.many_to_many else model_field.get_default()
        if value in ("", None, [], {}) or (isinstance(value, bool) and value == default):
            continue
        entry[name] = value
    return entry


def _value(rows: Rows, row: orm.Model, name: str) -> Any:
    model_field = row._meta.get_field(name)
    if name in translated_fields(type(row)):
        texts = {language: getattr(row, f"{name}_{language}") or "" for language in LANGUAGES}
        return {language: text for language, text in texts.items() if text}
    if model_field.remote_field:
        slugs = [other.slug for other in rows.named_by(row, name)]
        return slugs if model_field.many_to_many else next(iter(slugs), None)
    value = getattr(row, name)
    return value.split() if name in WORD_LISTS else value
