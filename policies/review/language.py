"""Whether both languages say the same, and say it so that people can read and believe it.

Only what people wrote is read: sentences that follow from structure come from one source and
cannot differ. A text that is missing in one language is found by S2.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import Any
from urllib.parse import SplitResult, urlsplit

from babel.dates import format_date, format_skeleton
from babel.units import format_unit
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from retention.languages import Bilingual, in_both
from retention.wording import SESSION

from . import Fault, Place, Severity, Subject, rule, texts
from .editing import is_written
from .passages import Length, Passage, length_of, periods_in, read_passage, words_of
from .wordings import patterns
from .wordings import words_of as both_sides

CLEAR = "Art. 12(1) GDPR"
MAXIMUM_WORDS = 120
LONG_AFTER = timedelta(days=30)

# Words of which a sentence is made, as far as the other language has no word that looks like them.
FUNCTION_WORDS = {
    language: set(words.split())
    for language, words in {
        "en": "the and to for with your you our this that these those are not from by its have has will would may "
        "must they them their which who how when what where there here also only than then but or if any because "
        "without about into out at an be on such other each both after before us",
        "nl": "de het een en van voor dat deze dit zijn worden wordt wij je jij jouw jou uw niet naar bij uit ook als "
        "maar om te onze ons hun kun kunt kunnen kan heeft hebben geen wel nog dan wat wie waar hoe hoelang waarom "
        "tot tussen tegen zonder zodat omdat wanneer welke aan op met er daar dus alle alleen meer andere elk elke",
    }.items()
}
OTHER = {"en": "nl", "nl": "en"}

Pair = tuple[Place, Bilingual, Passage, Passage]


def written(subject: Subject) -> Iterator[tuple[Place, Bilingual]]:
    """The texts that people wrote, those in one language included."""
    for place, text in subject.texts:
        if is_written(place) and any(side.strip() for side in text.values()):
            yield place, text


def pairs(subject: Subject) -> Iterator[Pair]:
    """The texts that exist in both languages: place, text, and the English and the Dutch taken apart."""
    for place, text in written(subject):
        if all(side.strip() for side in text.values()):
            yield place, text, read_passage(text["en"], "en"), read_passage(text["nl"], "nl")


def sides(text: Bilingual) -> Iterator[tuple[str, Passage]]:
    """What there is of ``text``, by language."""
    for language, side in text.items():
        if side.strip():
            yield language, read_passage(side, language)


# -- The language itself ---------------------------------------------------------------------


@rule("L1", CLEAR)
def is_translated(subject: Subject) -> Iterator[Fault]:
    """Names and words that both languages have are normal; sentences and longer texts are not."""
    named = {slug for slug, recipient in subject.entries("recipients").items() if recipient["kind"] == "named"}
    for place, text, english, dutch in pairs(subject):
        words = english.words
        if words != dutch.words or (place[0] == "recipients" and place[1] in named and place[2] == "name"):
            continue
        if len(words) > 5 or set(words) & (FUNCTION_WORDS["en"] | FUNCTION_WORDS["nl"]):
            yield Fault(
                place, _("The English and the Dutch are the same text. Translate one of them."), about=both_sides(text)
            )


@rule("L2", CLEAR)
def is_in_its_language(subject: Subject) -> Iterator[Fault]:
    for place, text, english, dutch in pairs(subject):
        wrong = {
            language for language, passage in (("en", english), ("nl", dutch)) if _reads_as_other(passage, language)
        }
        if not wrong or english.words == dutch.words:
            continue
        if len(wrong) == 2:
            sentence = _("The English text reads as Dutch and the Dutch text as English. Let them change places.")
        elif "en" in wrong:
            sentence = _("The English text, or a sentence of it, reads as Dutch. Translate it.")
        else:
            sentence = _("The Dutch text, or a sentence of it, reads as English. Translate it.")
        yield Fault(place, sentence, about=both_sides(text))


def _reads_as_other(passage: Passage, language: str) -> bool:
    if not set(passage.words) & FUNCTION_WORDS[OTHER[language]]:
        return False
    for part in (passage.text, *passage.sentences):
        words = words_of(part)
        own, foreign = (sum(word in FUNCTION_WORDS[name] for word in words) for name in (language, OTHER[language]))
        # Fewer make no sentence: a title or a name that is quoted in the language that it has.
        if foreign > 2 and foreign > 2 * own:
            return True
    return False


# -- What has to be the same -----------------------------------------------------------------


@rule("L3", CLEAR)
def says_the_same_numbers(subject: Subject) -> Iterator[Fault]:
    for place, text, english, dutch in pairs(subject):
        only_english, only_dutch = _unmatched(
            (english.numbers, english.words_for_numbers | english.possible_numbers),
            (dutch.numbers, dutch.words_for_numbers | dutch.possible_numbers),
        )
        if not only_english and not only_dutch:
            # A number in words alone may be a manner of speaking; two that differ are not.
            only_english, only_dutch = _both_left(
                english.words_for_numbers - dutch.numbers - dutch.words_for_numbers - dutch.possible_numbers,
                dutch.words_for_numbers - english.numbers - english.words_for_numbers - english.possible_numbers,
            )
        yield from _difference(
            place,
            text,
            _("Numbers differ. Only in English: %(english)s. Only in Dutch: %(dutch)s."),
            only_english,
            only_dutch,
        )


@rule("L4", CLEAR)
def says_the_same_dates(subject: Subject) -> Iterator[Fault]:
    for place, text, english, dutch in pairs(subject):
        yield from _difference(
            place,
            text,
            _("Dates differ. Only in English: %(english)s. Only in Dutch: %(dutch)s."),
            english.dates - dutch.dates,
            dutch.dates - english.dates,
            _date_in_words,
        )


@rule("L5", "Art. 12(1), 13(2)(a) GDPR")
def says_the_same_periods(subject: Subject) -> Iterator[Fault]:
    for place, text, english, dutch in pairs(subject):
        only_english, only_dutch = _unmatched(
            (english.periods, english.possible_periods | english.hours),
            (dutch.periods, dutch.possible_periods | dutch.hours),
        )
        if not only_english and not only_dutch:
            only_english, only_dutch = _both_left(
                english.possible_periods - dutch.periods - dutch.possible_periods,
                dutch.possible_periods - english.periods - english.possible_periods,
            )
        yield from _difference(
            place,
            text,
            _("Periods differ. Only in English: %(english)s. Only in Dutch: %(dutch)s."),
            only_english,
            only_dutch,
            _length_in_words,
        )


@rule("L6", CLEAR)
def names_the_same(subject: Subject) -> Iterator[Fault]:
    names = _names(subject.content)
    for place, text, english, dutch in pairs(subject):
        in_english, in_dutch = (
            passage.emails
            | {name for name, found in names.items() if name in passage.text and found.search(passage.text)}
            for passage in (english, dutch)
        )
        yield from _difference(
            place,
            text,
            _("Names or e-mail addresses differ. Only in English: %(english)s. Only in Dutch: %(dutch)s."),
            in_english - in_dutch,
            in_dutch - in_english,
        )


@rule("L7", CLEAR)
def links_to_the_same(subject: Subject) -> Iterator[Fault]:
    for place, text, english, dutch in pairs(subject):
        in_english, in_dutch = ({_target(link): link for link in passage.links} for passage in (english, dutch))
        only_english = [in_english[target] for target in sorted(in_english.keys() - in_dutch.keys())]
        only_dutch = [in_dutch[target] for target in sorted(in_dutch.keys() - in_english.keys())]
        # A site may have its languages at addresses of their own: /en/about beside /over-ons.
        for link in [link for link in only_english if _has_language(link)]:
            if other := next((other for other in only_dutch if _host(other) == _host(link)), None):
                only_english.remove(link)
                only_dutch.remove(other)
        yield from _difference(
            place,
            text,
            _("Links differ. Only in English: %(english)s. Only in Dutch: %(dutch)s."),
            only_english,
            only_dutch,
        )


@rule("L8", CLEAR)
def lists_the_same(subject: Subject) -> Iterator[Fault]:
    for place, text, english, dutch in pairs(subject):
        if english.items != dutch.items:
            yield Fault(
                place,
                _(
                    "The lists differ: %(english)s items in English, %(dutch)s in Dutch. "
                    "Say in both what one of them says."
                ),
                {"english": english.items, "dutch": dutch.items},
                about=both_sides(text),
            )


@rule("L8b", CLEAR, Severity.WARNING)
def has_the_same_paragraphs(subject: Subject) -> Iterator[Fault]:
    for place, text, english, dutch in pairs(subject):
        if english.paragraphs != dutch.paragraphs:
            yield Fault(
                place,
                _("%(english)s paragraphs in English, %(dutch)s in Dutch. See whether one of them lacks something."),
                {"english": english.paragraphs, "dutch": dutch.paragraphs},
                about=both_sides(text),
            )


Side = tuple[frozenset[Any], frozenset[Any]]  # what is certain, and what may be


def _unmatched(english: Side, dutch: Side) -> tuple[frozenset[Any], frozenset[Any]]:
    """What is certain on one side, and not even possible on the other."""
    return english[0] - dutch[0] - dutch[1], dutch[0] - english[0] - english[1]


def _both_left(english: frozenset[Any], dutch: frozenset[Any]) -> tuple[frozenset[Any], frozenset[Any]]:
    """What is left on both sides; where one has nothing left, nothing differs."""
    return (english, dutch) if english and dutch else (frozenset(), frozenset())


def _difference(
    place: Place,
    text: Bilingual,
    sentence: Any,
    english: Iterable[Any],
    dutch: Iterable[Any],
    in_words: Callable[[Any, str], str] = lambda item, language: str(item),
) -> Iterator[Fault]:
    if not english and not dutch:
        return
    words = {
        "english": in_both(partial(_enumerated, sorted(english), in_words)),
        "dutch": in_both(partial(_enumerated, sorted(dutch), in_words)),
    }
    yield Fault(place, sentence, words, about=both_sides(text))


def _enumerated(items: list[Any], in_words: Callable[[Any, str], str], language: str) -> str:
    return ", ".join(in_words(item, language) for item in items) or gettext("nothing")


def _date_in_words(said: tuple[int, int, int], language: str) -> str:
    year, month, day = said
    try:
        # Any leap year does for a date without one.
        exact = date(year or 2024, month, day or 1)
    except ValueError:
        return "-".join(str(part) for part in reversed(said) if part)
    if not year:
        return format_skeleton("MMMMd", exact, locale=language)
    return format_date(exact, "long", locale=language) if day else format_skeleton("yMMMM", exact, locale=language)


def _length_in_words(length: Length, language: str) -> str:
    """What people wrote may be no period that a rule can have: 0 days, 99999 years."""
    unit, number = length
    if unit == "working day":
        return ngettext("%(count)s working day", "%(count)s working days", number) % {"count": number}
    larger, size = {"day": ("week", 7), "month": ("year", 12)}[unit]
    if number and number % size == 0:
        unit, number = larger, number // size
    # As in ``period_wording``: the locale data has the long form of Dutch days in the short one.
    return format_unit(number, f"duration-{unit}", length="short" if unit == "day" else "long", locale=language)


def _names(content: dict[str, Any]) -> dict[str, re.Pattern[str]]:
    """The companies, products and vendors of the content, and how each is found in a text."""
    controller = content["controller"] or {}
    names = {controller.get(field, "") for field in ("name", "short_name", "product")}
    for vendor in content["cookie_vendors"]:
        names |= {vendor["name"], vendor["company"]}
    for recipient in content["recipients"]:
        names.add(recipient["company"])
        if recipient["kind"] == "named" and recipient["name"]["en"] == recipient["name"]["nl"]:
            names.add(recipient["name"]["en"])
    return {name: _finder(name) for name in sorted(names) if len(name) > 2}


@lru_cache(maxsize=1024)
def _finder(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?:s|['’]s)?(?!\w)")


LANGUAGE_IN_PATH = re.compile(r"/(?:en|nl)(?:[-_][A-Za-z]{2})?(?=/|$)")
LANGUAGE_IN_QUERY = re.compile(r"\b(?:hl|lang|language|locale)=(?:en|nl)\b[\w-]*")


def _target(link: str) -> str:
    """What ``link`` leads to, whatever the language and the part of the page."""
    parts = _parts(link if "//" in link[:8] or ":" in link else f"https://{link}")
    if parts.scheme in {"mailto", "tel"}:
        return f"{parts.scheme}:{parts.path}"
    path = "/·" if LANGUAGE_IN_PATH.match(parts.path) else parts.path.rstrip("/")
    return f"{_host(link)}{path}?{LANGUAGE_IN_QUERY.sub('', parts.query)}"


def _host(link: str) -> str:
    host = _parts(link if "//" in link else f"https://{link}").hostname or ""
    return re.sub(r"^(?:www|en|nl)\.", "", host)


def _has_language(link: str) -> bool:
    return LANGUAGE_IN_PATH.match(_parts(link).path) is not None


def _parts(link: str) -> SplitResult:
    """``link`` taken apart; what is no address (“https://[company].example”) stays in one piece."""
    try:
        return urlsplit(link)
    except ValueError:
        return SplitResult(scheme="", netloc="", path=link, query="", fragment="")


# -- Kept up together ------------------------------------------------------------------------


@rule("L9", CLEAR, Severity.WARNING)
def was_edited_together(subject: Subject) -> Iterator[Fault]:
    """Where one side has changed since the last version, L10 says so already."""
    one_sided = set(_changed_in_one(subject))
    for place, text, _english, _dutch in pairs(subject):
        moments = subject.edited.get(place, {})
        if len(moments) < 2 or place in one_sided or abs(moments["en"] - moments["nl"]) < LONG_AFTER:
            continue
        if moments["en"] > moments["nl"]:
            sentence = _(
                "The English was changed on %(newer)s, the Dutch last on %(older)s. Bring the Dutch up to date."
            )
        else:
            sentence = _(
                "The Dutch was changed on %(newer)s, the English last on %(older)s. Bring the English up to date."
            )
        words = {
            "newer": _day_in_words(max(moments.values())),
            "older": _day_in_words(min(moments.values())),
        }
        yield Fault(place, sentence, words, about=both_sides(text))


@rule("L10", CLEAR, Severity.WARNING)
def was_changed_in_both(subject: Subject) -> Iterator[Fault]:
    sentences = {
        "en": _(
            "Only the English has changed since the version published last. See whether the Dutch still says the same."
        ),
        "nl": _(
            "Only the Dutch has changed since the version published last. See whether the English still says the same."
        ),
    }
    changed = _changed_in_one(subject)
    for place, text, _english, _dutch in pairs(subject):
        if place in changed:
            yield Fault(place, sentences[changed[place]], about=both_sides(text))


def _changed_in_one(subject: Subject) -> dict[Place, str]:
    """The texts that say something else than the version before in one language, and which that is."""
    if subject.before is None:
        return {}
    earlier = dict(texts(subject.before))
    changed: dict[Place, str] = {}
    for place, text, english, dutch in pairs(subject):
        before = earlier.get(place)
        if before is None or before == text or not all(side.strip() for side in before.values()):
            continue
        # Other words: a comma alone changes nothing that the other side could lack.
        new = [
            language
            for language, passage in (("en", english), ("nl", dutch))
            if _said(passage) != _said(read_passage(before[language], language))
        ]
        if len(new) == 1:
            changed[place] = new[0]
    return changed


def _said(passage: Passage) -> tuple[str, frozenset[str]]:
    return re.sub(r"\W+", " ", passage.text).casefold().strip(), passage.links


def _day_in_words(moment: datetime) -> Bilingual:
    return in_both(lambda language: format_date(moment.date(), "long", locale=language))


# -- Readable and believable -----------------------------------------------------------------


@rule("A17", CLEAR, Severity.WARNING)
def has_short_paragraphs(subject: Subject) -> Iterator[Fault]:
    for place, text in written(subject):
        blocks = [(len(block.split()), block) for _language, passage in sides(text) for block in passage.blocks]
        count, block = max(blocks, default=(0, ""))
        if count > MAXIMUM_WORDS:
            yield Fault(
                place,
                _("The paragraph “%(start)s” has %(count)s words; more than %(maximum)s are hard to read. Split it."),
                {"start": Truncator(block).words(6), "count": count, "maximum": MAXIMUM_WORDS},
                about=both_sides(text),
            )


SAFE = {
    "en": r"(?:safe|secure|secured|protected|anonymous|confidential|private|encrypted)",
    "nl": r"(?:veilige?|beveiligde?|beschermde?|anonieme?|vertrouwelijke?|afgeschermde?|versleutelde?)",
}
# Each alone claims too much; ‘always’ and ‘never’ do so of certain things only.
ABSOLUTE = patterns(
    en=rf"\b100 ?(?:%|per ?cent) {SAFE['en']}\b"
    rf"|\b(?:completely|fully|totally|entirely|absolutely|perfectly|always) {SAFE['en']}\b"
    r"|\b(?:watertight|waterproof|bulletproof|unbreakable|unhackable|risk-free)\b|\bzero risk\b|\bno risks?\b"
    r"|\bimpossible to (?:hack|break|crack)\b|\bunder no circumstances\b"
    r"|\bguaranteed\b|\b(?:we|it|this|which|that|and|to|will|can) guarantees?\b"
    r"|\bnever\b(?=[^.!?]*\b(?:sell|sold|share|pass|give|lose|lost|leak|misuse|abuse|trade|disclose)\w*)",
    nl=rf"\b(?:100 ?(?:%|procent)|honderd procent) {SAFE['nl']}\b"
    rf"|\b(?:volledig|volkomen|geheel|helemaal|absoluut|compleet|altijd) {SAFE['nl']}\b"
    r"|\b(?:waterdichte?|onkraakbare?|risicoloze?|risicoloos)\b|\bgeen enkel risico\b|\bzonder (?:enig )?risico\b"
    r"|\bonmogelijk te (?:hacken|kraken)\b|\bonder geen (?:enkele )?(?:beding|omstandighe(?:id|den))\b"
    r"|\b(?:gegarandeerde?|garandeert|garanderen|garandeer)\b"
    r"|\bnooit\b(?=[^.!?]*\b(?:verkop|verkocht|verkoop|del|gedeeld|verstrek|verlie|verlor|lek|gelekt|misbruik|doorgeg)\w*)"
    r"|\b(?:verkop|verkocht|verkoop|del|gedeeld|verstrek|verlie|verlor|lekken|misbruik)\w*\b(?=[^.!?]*\bnooit\b)",
)
# A denial is of the claim where it stands in the same clause, some words before it or at once after it:
# “cannot be 100% safe”, “dat garanderen we niet”; not “100% safe and not shared”.
DENIED = patterns(
    en=r"\b(?:cannot|no|nobody|none|nothing|never|not(?! only))\b|n['’]t\b",
    nl=r"\b(?:geen|niemand|niets|nooit|niet(?! alleen))\b",
)
DENIED_AFTER = patterns(
    en=r"\s(?:\w+\s)?(?:(?:is|does|can|do) not\b|cannot\b|\w+n['’]t\b)", nl=r"\s(?:\w+\s)?(?:niet|geen)\b"
)
NEW_CLAUSE = patterns(en=r"[,;:()–—]|\b(?:and|but)\b", nl=r"[,;:()–—]|\b(?:en|maar)\b")
WORDS_BEFORE = 6


@rule("A17b", CLEAR, Severity.WARNING)
def claims_nothing_absolute(subject: Subject) -> Iterator[Fault]:
    for place, text in written(subject):
        found = [
            claim[0]
            for language, passage in sides(text)
            for sentence in passage.sentences
            for claim in ABSOLUTE[language].finditer(sentence)
            if not _is_denied(claim, language)
        ]
        if found:
            yield Fault(
                place,
                _("A claim that nobody can keep: %(found)s. Say what is done instead."),
                {"found": _quoted(found)},
                about=both_sides(text),
            )


def _is_denied(claim: re.Match[str], language: str) -> bool:
    clause = NEW_CLAUSE[language].split(claim.string[: claim.start()])[-1]
    before = " ".join(clause.split()[-WORDS_BEFORE:])
    after = DENIED_AFTER[language].match(claim.string, claim.end())
    return after is not None or DENIED[language].search(before) is not None


@rule("L11", CLEAR, Severity.WARNING)
def says_everything_once(subject: Subject) -> Iterator[Fault]:
    """A paragraph stands on a page once; in the texts of the lists, once in a text."""
    on_pages: dict[tuple[str, str], set[str]] = {}
    for place, text in written(subject):
        is_empty, doubled = False, []
        for language, passage in sides(text):
            seen: set[str] = set()
            page = on_pages.setdefault((place[1], language), set()) if place[0] == "pages" else set()
            for block in passage.blocks:
                said = " ".join(words_of(block))
                is_empty = is_empty or not block.strip()
                words = said.count(" ") + 1
                if (words > 2 and said in seen) or (words > 7 and said in page):
                    doubled.append(block)
                seen.add(said)
            page |= seen
        if doubled:
            yield Fault(
                place,
                _("This stands here, or on this page, twice: %(found)s. Take one of them away."),
                {"found": _quoted(Truncator(block).words(6) for block in doubled)},
                about=both_sides(text),
            )
        elif is_empty:
            yield Fault(
                place, _("There is an empty paragraph or list item. Fill it or take it away."), about=both_sides(text)
            )


OUTDATED = re.compile(
    # Everybody still calls a certificate that of SSL.
    r"\bSSL(?:[ -]?v?[23](?:\.0)?)?\b(?!(?:/TLS)?[ -]?certific)"
    r"|\bTLS(?:[ ,/-]|v(?=\d)|version|versie|or|and|of|en|1\.[0-3])*?(?<![\d.])1\.[01]\b",
    re.IGNORECASE,
)
SWITCHED_OFF = patterns(
    en=r"\bnot\b|\bno\b|\bnever\b|\bdisabled\b|\brefused?\b|\bswitched off\b",
    nl=r"\bniet\b|\bgeen\b|\bnooit\b|\buitgeschakeld\b|\bgeweigerd\b|\bweigeren\b",
)
# These speak of what stands anywhere before them.
SWITCHED_OFF_LATER = patterns(
    en=r"\b(?:disabled|refused|blocked|(?:switched|turned) off|not (?:used|supported|allowed|accepted))\b",
    nl=r"\b(?:uitgeschakeld|uitgezet|geweigerd|geblokkeerd|sta(?:an|at) uit|niet (?:meer )?(?:gebruikt|ondersteund"
    r"|toegestaan|geaccepteerd))\b",
)
# Not the commas and conjunctions of a list of protocols.
ANOTHER_CLAUSE = patterns(
    en=r"[;:()–—]|(?:,|\b(?:and|but)\b)(?!\s*(?:and |or )?(?:SSL|TLS|v?\d))",
    nl=r"[;:()–—]|(?:,|\b(?:en|maar)\b)(?!\s*(?:en |of )?(?:SSL|TLS|v?\d))",
)


@rule("L12", "RFC 7568, RFC 8996; Art. 32 GDPR", Severity.WARNING)
def names_no_outdated_protocol(subject: Subject) -> Iterator[Fault]:
    for place, text in written(subject):
        found = [
            protocol[0]
            for language, passage in sides(text)
            for sentence in passage.sentences
            for protocol in OUTDATED.finditer(sentence)
            if not _is_switched_off(protocol, language)
        ]
        if found:
            yield Fault(
                place,
                _(
                    "SSL, TLS 1.0 and TLS 1.1 are no longer safe: %(found)s. "
                    "Name TLS 1.2 or later, once only that is used."
                ),
                {"found": _quoted(found)},
                about=both_sides(text),
            )


def _is_switched_off(protocol: re.Match[str], language: str) -> bool:
    sentence, (start, end) = protocol.string, protocol.span()
    bounds = [bound.span() for bound in ANOTHER_CLAUSE[language].finditer(sentence)]
    begins = max((after for _before, after in bounds if after <= start), default=0)
    ends = min((before for before, _after in bounds if before >= end), default=len(sentence))
    return any(
        (
            SWITCHED_OFF[language].search(sentence, begins, ends),
            SWITCHED_OFF_LATER[language].search(sentence, end),
        )
    )


# -- Promises --------------------------------------------------------------------------------

KEEPING = patterns(
    en=r"\b(?:keep|keeps|kept|keeping|retain\w*|retention|stor(?:e|es|ed|ing)|delet\w+|eras\w+|remov\w+|destroy\w*"
    r"|anonymi[sz]\w+)\b",
    nl=r"\b(?:bewaar\w*|bewar\w+|verwijder\w*|wis|wissen|gewist|vernietig\w*|opslaan|opgeslagen|anonimiser\w*"
    r"|geanonimiseerd)\b",
)
IN_BROWSERS: Place = ("own_storage",)
# Art. 12(3): within how long a request is answered is no retention period.
ON_REQUEST = patterns(en=r"\brequest", nl=r"\bverzoek")


@rule("L13", "Art. 5(2), 13(2)(a) GDPR", Severity.WARNING)
def promises_what_a_rule_keeps(subject: Subject) -> Iterator[Fault]:
    content = subject.content
    stated = _stated(content)
    for place, text in written(subject):
        known = stated.get(place[:2], stated[()])
        if any("cookie" in side.lower() for side in text.values()):
            known = known | stated[IN_BROWSERS]
        promised: set[Length] = set()
        for language, passage in sides(text):
            for sentence in passage.sentences:
                if KEEPING[language].search(sentence) and not ON_REQUEST[language].search(sentence):
                    promised |= periods_in(sentence, language)
        if unkept := sorted(promised - known):
            yield Fault(
                place,
                _("This names a period that no rule states: %(found)s. Correct it, or add the retention rule."),
                {"found": in_both(partial(_enumerated, unkept, _length_in_words))},
                about=both_sides(text),
            )


def _stated(content: dict[str, Any]) -> dict[Place, set[Length]]:
    """The periods that hold for a purpose and for a vendor, by their place; in browsers; and, under ``()``, all."""
    exceptions = {entry["slug"]: _lengths([entry["period"]]) for entry in content["statutory_exceptions"]}
    rules: dict[str, set[Length]] = {}
    for entry in content["retention_rules"]:
        rules[entry["slug"]] = _lengths([entry["period"]]).union(*(exceptions[slug] for slug in entry["exceptions"]))
    choices = _lengths(f"P{website['consent_months']}M" for website in content["websites"])
    stated: dict[Place, set[Length]] = {
        ("cookie_vendors", vendor["slug"]): choices.union(
            _lengths(used["lifetime"]["value"] for used in (vendor, *vendor["cookies"]))
        )
        for vendor in content["cookie_vendors"]
    }
    stated[IN_BROWSERS] = choices.union(*stated.values())
    stated[()] = stated[IN_BROWSERS].union(*rules.values(), *exceptions.values())
    follows = {entry["slug"]: entry["follows"] for entry in content["retention_rules"]}
    for purpose in content["purposes"]:
        own = {used["rule"] for used in purpose["retention"]}
        own |= {follows.get(slug) for slug in own}
        stated["purposes", purpose["slug"]] = set().union(*(rules.get(slug, set()) for slug in own))
    return stated


def _lengths(periods: Iterable[str]) -> set[Length]:
    return {length_of(period) for period in periods if period and period != SESSION}


def _quoted(found: Iterable[str]) -> str:
    return ", ".join(f"“{text}”" for text in dict.fromkeys(found))
