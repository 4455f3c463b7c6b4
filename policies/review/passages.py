"""What a text says that must be the same in another language: numbers, periods, dates, links, lists.

Two kinds of numbers and periods are told apart. The *certain* ones are written in digits, or with
a number before a unit; they have a counterpart in the other language. The *possible* ones may
be a manner of speaking (“one of”, “een”, “a year”): they can be that counterpart, and need none.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from html.parser import HTMLParser

from babel.dates import get_month_names

from retention.periods import NotAPeriod, Period

NUMBERS = {
    "en": "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty",
    "nl": "één twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien "
    "zeventien achttien negentien twintig",
}
TENS = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "nl": "twintig dertig veertig vijftig zestig zeventig tachtig negentig",
}
ORDINALS = {
    "en": "first second third fourth fifth sixth seventh eighth ninth tenth",
    "nl": "eerste tweede derde vierde vijfde zesde zevende achtste negende tiende",
}
ARTICLES = {"en": {"a", "an"}, "nl": {"een"}}
# The number 1 is half of the time no number: “the one”, “een van beide”.
ONE = {"en": {"one", "a", "an"}, "nl": {"één", "een"}}


def _values(language: str) -> dict[str, int]:
    """The words for numbers: up to a hundred, and whole hundreds."""
    words = NUMBERS[language].split()
    values = {word: value for value, word in enumerate(words, start=1)}
    for ten, tens in enumerate(TENS[language].split(), start=2):
        values[tens] = ten * 10
        for one, word in enumerate(words[:9], start=1):
            if language == "en":
                values |= {f"{tens}{joint}{word}": ten * 10 + one for joint in ("-", " ")}
            else:
                # eenentwintig, tweeëntwintig
                joint = "ën" if word.endswith("e") else "en"
                values[f"{word.replace('é', 'e')}{joint}{tens}"] = ten * 10 + one
    hundred, joints = {"en": ("hundred", (" ",)), "nl": ("honderd", ("", " "))}[language]
    values[hundred] = 100
    for one, word in enumerate(words[:9], start=1):
        values |= {f"{word}{joint}{hundred}": one * 100 for joint in joints}
    return values


def _longest_first(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


VALUES = {language: _values(language) for language in NUMBERS}
IN_WORDS = {
    language: re.compile(rf"(?<![\w’'-])(?:{_longest_first(values)})(?![\w’'-])", re.IGNORECASE)
    for language, values in VALUES.items()
}
PLACES = {
    language: {word: value for value, word in enumerate(words.split(), start=1)} for language, words in ORDINALS.items()
}

# A unit, in months or in days; days on which the office works are another kind of day.
UNITS = {
    "en": {"working day": ("working day", 1), "business day": ("working day", 1), "day": ("day", 1),
           "week": ("day", 7), "fortnight": ("day", 14), "month": ("month", 1), "quarter": ("month", 3),
           "year": ("month", 12)},
    "nl": {"werkdag": ("working day", 1), "dag": ("day", 1), "etmaal": ("day", 1), "etmalen": ("day", 1),
           "week": ("day", 7), "weken": ("day", 7), "maand": ("month", 1), "kwartaal": ("month", 3),
           "jaar": ("month", 12), "jaren": ("month", 12)},
}  # fmt: skip
# More digits than that make no period, and the end of 1,000 is not the number.
COUNT = r"(?<!\d[.,])\b(\d{{1,6}}|{words})"
PERIOD = {
    "en": COUNT + r"[\s-]+(?:full |calendar )?"
    r"(working day|business day|day|week|fortnight|month|quarter|year)s?\b",
    "nl": COUNT + r"[\s-]+(?:volle |hele )?(?:kalender)?"
    r"(werkdag|dag|etmaal|etmalen|weken|week|maand|kwartaal|jaren|jaar)(?:en)?\b",
}
PERIODS = {
    language: re.compile(pattern.format(words=_longest_first([*VALUES[language], *ARTICLES[language]])), re.IGNORECASE)
    for language, pattern in PERIOD.items()
}
# 72 hours may be three days in the other language; they are numbers all the same.
HOURS = {
    language: re.compile(rf"{COUNT}[\s-]+(?:{unit})\b".format(words=_longest_first(VALUES[language])), re.IGNORECASE)
    for language, unit in {"en": "hours?", "nl": "uur|uren"}.items()
}
# Years that are not whole; the number of whole ones is the group, if it is said.
HALF = {
    language: [(re.compile(pattern.format(words=_longest_first(VALUES[language])), re.IGNORECASE), months)
               for pattern, months in halves]
    for language, halves in {
        "en": [
            (r"\b(?:a|one) year and a half\b", 18),
            (COUNT + r"[\s-]and[\s-]a[\s-]half[\s-]years?\b", 6),
            (COUNT + r"\.5[\s-]years?\b", 6),
            (r"\bhalf a year\b|\bhalf-year\b", 6),
        ],
        "nl": [
            (r"\banderhalf jaar\b", 18),
            (COUNT + r"(?:en|ën)half jaar\b", 6),
            (COUNT + r",5 jaar\b", 6),
            (r"\b(?:een )?half ?jaar\b", 6),
        ],
    }.items()
}  # fmt: skip
ISO_PERIOD = re.compile(r"\bP\d\w*\b")

MONTHS = {
    language: {
        name.lower().rstrip("."): number
        for width in ("abbreviated", "wide")
        for number, name in get_month_names(width, locale=language).items()
    }
    for language in NUMBERS
}
MONTH = {language: "|".join(sorted(names, key=len, reverse=True)) for language, names in MONTHS.items()}
# 8 November 2021 · November 8, 2021 · November 2021 · 8 November. English months have a capital, “may” has none.
DATES = {
    "en": re.compile(
        rf"\b(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?)?(?P<month>(?=[A-Z])(?i:{MONTH['en']}))\b\.?"
        r"(?:\s+(?P<day_after>\d{1,2})(?:st|nd|rd|th)?\b)?(?:,?\s+(?P<year>\d{4})\b)?"
    ),
    "nl": re.compile(
        rf"\b(?:(?P<day>\d{{1,2}})e?\s+)?(?P<month>{MONTH['nl']})\b\.?(?:\s+(?P<year>\d{{4}})\b)?", re.IGNORECASE
    ),
}
ISO_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
DATE_IN_DIGITS = re.compile(r"\b(\d{1,2})[-/](\d{1,2})[-/](\d{4})\b")

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
ADDRESS = re.compile(r"\bhttps?://[^\s<>()]+|\bwww\.[^\s<>()]+")
TELEPHONE = re.compile(r"(?<![\w.])(?:\+|00)?\d[\d \u00a0()-]{7,}\d(?!\w)")
CLOCK = re.compile(r"\b(\d{1,2})(?:[.:](\d{2}))?\s?([ap])\.?m\b\.?", re.IGNORECASE)
NUMBER = re.compile(r"(?<![\w.,:])\d+(?:[.,:]\d+)*(?!\w)")
THOUSANDS = {"en": re.compile(r"(\d{1,3}(?:,\d{3})+)(\.\d+)?"), "nl": re.compile(r"(\d{1,3}(?:\.\d{3})+)(,\d+)?")}
WORD = re.compile(r"[^\W\d_]+(?:[’'-][^\W\d_]+)*")
END_OF_SENTENCE = re.compile(r"(?<=[.!?])\s+")

Length = tuple[str, int]  # ("month", 12), ("day", 42), ("working day", 2)


@dataclass(frozen=True)
class Passage:
    """One text in one language, taken apart."""

    blocks: tuple[str, ...]  # paragraphs and items of lists, in their order
    paragraphs: int
    items: int
    links: frozenset[str]
    emails: frozenset[str]
    dates: frozenset[tuple[int, int, int]]  # (2021, 11, 8); 0 for what is not said
    periods: frozenset[Length]
    possible_periods: frozenset[Length]
    hours: frozenset[Length]  # in days
    numbers: frozenset[str]
    words_for_numbers: frozenset[str]  # “two”, “drie”: from 2
    possible_numbers: frozenset[str]  # what else may stand for a number: “one”, “first”, “eerste”

    @cached_property
    def text(self) -> str:
        return "\n".join(self.blocks)

    @cached_property
    def words(self) -> list[str]:
        return words_of(self.text)

    @cached_property
    def sentences(self) -> list[str]:
        return [sentence for block in self.blocks for sentence in END_OF_SENTENCE.split(block) if sentence.strip()]


def words_of(text: str) -> list[str]:
    """The words of ``text``, without addresses, in lower case."""
    return [word.lower() for word in WORD.findall(ADDRESS.sub(" ", EMAIL.sub(" ", text)))]


def periods_in(text: str, language: str) -> frozenset[Length]:
    """The lengths of time that ``text`` names: ``{("month", 24)}`` for “two years”, “a year” included."""
    certain, possible, _rest = _periods(text, language)
    return frozenset(certain | possible)


def length_of(period: str) -> Length:
    """``"P6W"`` → ``("day", 42)``, ``"P1Y6M"`` → ``("month", 18)``. Raises NotAPeriod."""
    parsed = Period.parse(period)
    if parsed.years or parsed.months:
        return "month", parsed.years * 12 + parsed.months
    return "day", parsed.weeks * 7 + parsed.days


@lru_cache(maxsize=8192)
def read_passage(text: str, language: str) -> Passage:
    """``text``, plain or HTML as ``policies.markdown`` makes it, taken apart."""
    page = _Page()
    # Markdown has become HTML, which begins with a block; plain text does not.
    if text.startswith(("<p>", "<ul>", "<ol>")):
        page.feed(text)
        page.close()
    else:
        page.blocks = [line.strip() for line in text.split("\n")] if text.strip() else []
        page.paragraphs = len(page.blocks)
    rest = "\n".join(page.blocks)
    emails = frozenset(email.lower() for email in EMAIL.findall(rest))
    links = page.links | {address.rstrip(".,;:") for address in ADDRESS.findall(rest)}
    rest = ADDRESS.sub(" ", EMAIL.sub(" ", rest))
    dates, rest = _dates(rest, language)
    telephones = {_digits(number) for number in TELEPHONE.findall(rest)}
    rest = TELEPHONE.sub(" ", rest)
    periods, possible_periods, rest = _periods(rest, language)
    words = set(words_of(rest))
    in_words = {_value(word, language) for word in IN_WORDS[language].findall(rest)}
    hours = {_value(number, language) for number in HOURS[language].findall(rest)}
    return Passage(
        blocks=tuple(page.blocks),
        paragraphs=page.paragraphs,
        items=page.items,
        links=frozenset(links),
        emails=emails,
        dates=frozenset(dates),
        periods=frozenset(periods),
        possible_periods=frozenset(possible_periods),
        hours=frozenset(("day", number // 24) for number in hours if number % 24 == 0),
        numbers=frozenset(telephones | set(_numbers(rest, language))),
        words_for_numbers=frozenset(str(value) for value in in_words - {1}),
        possible_numbers=frozenset(str(PLACES[language][word]) for word in words & PLACES[language].keys())
        | {str(number * 24) for unit, number in periods if unit == "day"}
        | ({"1"} if words & ONE[language] else set()),
    )


class _Page(HTMLParser):
    """Blocks, items and links of clean HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[str] = []
        self.paragraphs = self.items = self.depth = 0
        self.links: set[str] = set()

    def handle_starttag(self, tag, attributes):
        if tag == "li":
            self.items += 1
            self.depth += 1
            self.blocks.append("")
        elif tag == "p" and (not self.depth or self.blocks[-1].strip()):
            # The first paragraph of an item is the item.
            self.blocks.append("")
        elif tag == "br":
            self.handle_data(" ")
        elif tag == "a":
            self.links |= {value for name, value in attributes if name == "href" and value}
        if tag == "p" and not self.depth:
            self.paragraphs += 1

    def handle_endtag(self, tag):
        if tag == "li":
            self.depth -= 1

    def handle_data(self, data):
        if self.blocks:
            self.blocks[-1] += data.replace("\n", " ")


def _digits(number: str) -> str:
    """A telephone number without its spaces, and without what is only said abroad or only at home."""
    digits = re.sub(r"\D", "", number)
    return re.sub(r"^(?:00|(?=31))?(?:31)?0?", "", digits)


def _dates(text: str, language: str) -> tuple[set[tuple[int, int, int]], str]:
    found: set[tuple[int, int, int]] = set()

    def iso(match: re.Match[str]) -> str:
        found.add((int(match[1]), int(match[2]), int(match[3])))
        return " "

    def in_digits(match: re.Match[str]) -> str:
        found.add((int(match[3]), int(match[2]), int(match[1])))
        return " "

    def in_words(match: re.Match[str]) -> str:
        said = match.groupdict()
        day, year = said["day"] or said.get("day_after"), said["year"]
        if not day and not year:
            return match[0]  # “may”, “mei” alone is no date
        found.add((int(year or 0), MONTHS[language][said["month"].lower()], int(day or 0)))
        return " "

    text = ISO_DATE.sub(iso, text)
    text = DATE_IN_DIGITS.sub(in_digits, text)
    return found, DATES[language].sub(in_words, text)


def _periods(text: str, language: str) -> tuple[set[Length], set[Length], str]:
    certain: set[Length] = set()
    possible: set[Length] = set()

    def written(match: re.Match[str]) -> str:
        try:
            certain.add(length_of(match[0]))
        except NotAPeriod:
            return match[0]
        return " "

    def named(match: re.Match[str]) -> str:
        number = match[1].lower()
        unit, size = UNITS[language][match[2].lower()]
        if number in ARTICLES[language]:
            possible.add((unit, size))
        else:
            certain.add((unit, size * _value(number, language)))
        return " "

    def halved(months: int, match: re.Match[str]) -> str:
        whole = _value(match[1], language) if match.lastindex else 0
        certain.add(("month", whole * 12 + months))
        return " "

    text = ISO_PERIOD.sub(written, text)
    for pattern, months in HALF[language]:
        text = pattern.sub(partial(halved, months), text)
    return certain, possible, PERIODS[language].sub(named, text)


def _value(number: str, language: str) -> int:
    """A number in digits or in words."""
    return int(number) if number.isdigit() else VALUES[language][number.lower()]


def _numbers(text: str, language: str) -> Iterator[str]:
    """Numbers in digits, as one language and the other write them: 1,000.5 and 1.000,5; 5 pm and 17.00."""

    def clock(match: re.Match[str]) -> str:
        hour = int(match[1]) % 12 + (12 if match[3].lower() == "p" else 0)
        return f"{hour}.{match[2] or '00'} "

    for number in NUMBER.findall(CLOCK.sub(clock, text)):
        if match := THOUSANDS[language].fullmatch(number):
            number = re.sub(r"\D", "", match[1]) + (match[2] or "")
        number = number.replace(",", ".").replace(":", ".")
        # 08:30 is 8.30, and 17.00 is 17.
        yield re.sub(r"^0+(?=\d)", "", re.sub(r"\.0+$", "", number))
