"""Two texts side by side: which sentences and words went, came or stayed.

Texts are paragraphs and list items without markup. Nothing here knows what they are about.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from html.parser import HTMLParser
from itertools import groupby
from typing import NamedTuple

# Less than half in common: another sentence, not the same one reworded.
ALIKE = 0.5
# Where texts of more parts than this were replaced, looking for what became what costs more than it tells.
PARTS_WEIGHED = 60

_SENTENCE = re.compile(
    r"(?:(?<=[.!?…])|(?<=[.!?…][\"'”’)\]]))\s+(?=[\"'“‘(\[]?[A-ZÀ-ÖØ-Þ0-9])",
)
_WORD = re.compile(r"\w+(?:[-'’.,@:/&]+\w+)*|\s+|[^\w\s]")


class Status(StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


class Shape(StrEnum):
    """How a block of text stands on the page; a gap stands for what is the same and left out."""

    PARAGRAPH = "paragraph"
    ITEM = "item"
    GAP = "gap"


class Paragraph(NamedTuple):
    """A paragraph or list item of one text."""

    shape: Shape
    text: str


class Piece(NamedTuple):
    """A stretch of text and what became of it."""

    status: Status
    text: str


@dataclass(frozen=True)
class Block:
    """A paragraph or list item of both texts at once."""

    shape: Shape
    pieces: tuple[Piece, ...]

    @property
    def is_changed(self) -> bool:
        return any(piece.status != Status.SAME for piece in self.pieces)


Blocks = tuple[Block, ...]


def plain(text: str) -> list[Paragraph]:
    """The lines of ``text``, each a paragraph."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return [Paragraph(Shape.PARAGRAPH, line) for line in lines if line]


def rich(html: str) -> list[Paragraph]:
    """The paragraphs and list items of published HTML; behind a link stands where it leads."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.end()
    return reader.paragraphs


def compare_texts(before: Sequence[Paragraph], now: Sequence[Paragraph]) -> Blocks:
    """Both texts as one: by paragraph, in a changed one by sentence, in a changed sentence by word."""
    shapes_before, shapes_now = (iter([part.shape for part in side]) for side in (before, now))
    blocks = []
    for was, is_now in _aligned([part.text for part in before], [part.text for part in now]):
        old = next(shapes_before) if was is not None else None
        new = next(shapes_now) if is_now is not None else None
        blocks.append(Block(new or old or Shape.PARAGRAPH, _by_sentence(was, is_now)))
    return tuple(blocks)


def replace(before: Sequence[Paragraph], now: Sequence[Paragraph]) -> Blocks:
    """Both as one where each is a value, not prose: a changed value is another value."""
    if list(before) == list(now):
        return tuple(Block(part.shape, (Piece(Status.SAME, part.text),)) for part in now)
    if len(before) == len(now) == 1 and Shape.ITEM not in {before[0].shape, now[0].shape}:
        return (Block(now[0].shape, (Piece(Status.REMOVED, before[0].text), Piece(Status.ADDED, now[0].text))),)
    return (*_whole(before, Status.REMOVED), *_whole(now, Status.ADDED))


def excerpt(blocks: Blocks) -> Blocks:
    """``blocks`` without those in which nothing changed; a gap in the place of each run of them.

    Nothing where none of them changed.
    """
    if not any(block.is_changed for block in blocks):
        return ()
    shown: list[Block] = []
    for is_changed, run in groupby(blocks, lambda block: block.is_changed):
        shown += run if is_changed else [Block(Shape.GAP, ())]
    return tuple(shown)


def _whole(parts: Iterable[Paragraph], status: Status) -> list[Block]:
    return [Block(part.shape, (Piece(status, part.text),)) for part in parts]


# -- From markup to paragraphs ---------------------------------------------------------------


class _Reader(HTMLParser):
    """What ``markdown.to_html`` writes, read back as a reader sees it."""

    def __init__(self) -> None:
        super().__init__()
        self.paragraphs: list[Paragraph] = []
        self.text = ""
        self.shape = Shape.PARAGRAPH
        self.address = ""
        self.link_begins = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"p", "ul", "ol", "li"}:
            self.end()
        if tag == "li":
            self.shape = Shape.ITEM
        elif tag == "br":
            self.text += " "
        elif tag == "a":
            self.address = re.sub("^(mailto|tel):", "", dict(attrs).get("href") or "")
            self.link_begins = len(self.text)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self.address and self.address not in self.text[self.link_begins :]:
            self.text += f" ({self.address})"
        elif tag in {"p", "ul", "ol", "li"}:
            self.end()

    def handle_data(self, data: str) -> None:
        self.text += data

    def end(self) -> None:
        """Close the paragraph that is being read."""
        if text := " ".join(self.text.split()):
            self.paragraphs.append(Paragraph(self.shape, text))
            self.shape = Shape.PARAGRAPH
        self.text = ""


# -- From two texts to one -------------------------------------------------------------------

Pair = tuple[str | None, str | None]


def _aligned(before: Sequence[str], now: Sequence[str]) -> Iterator[Pair]:
    """Each text of ``before`` beside what it became in ``now``; None where it has no counterpart."""
    matcher = SequenceMatcher(None, before, now, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            yield from zip(before[i1:i2], now[j1:j2], strict=True)
        else:
            yield from _paired(before[i1:i2], now[j1:j2])


def _paired(before: Sequence[str], now: Sequence[str]) -> Iterator[Pair]:
    """Texts that were replaced by others, each beside the one it resembles, in order.

    Of all ways to do so the one with the greatest likeness in total.
    """
    rows, columns = len(before), len(now)
    if not rows or not columns or max(rows, columns) > PARTS_WEIGHED:
        yield from ((text, None) for text in before)
        yield from ((None, text) for text in now)
        return
    likeness = [[_likeness(old, new) for new in now] for old in before]
    best = [[0.0] * (columns + 1) for _row in range(rows + 1)]
    for row in reversed(range(rows)):
        for column in reversed(range(columns)):
            apart = max(best[row + 1][column], best[row][column + 1])
            together = likeness[row][column] + best[row + 1][column + 1] if likeness[row][column] else 0
            best[row][column] = max(apart, together)
    row = column = 0
    while row < rows or column < columns:
        if row < rows and best[row][column] == best[row + 1][column]:
            yield before[row], None
            row += 1
        elif column < columns and best[row][column] == best[row][column + 1]:
            yield None, now[column]
            column += 1
        else:
            yield before[row], now[column]
            row, column = row + 1, column + 1


def _likeness(before: str, now: str) -> float:
    """From ALIKE to 1 for the same text reworded, with a sentence in common at least; 0 for another text."""
    least = ALIKE if set(_SENTENCE.split(before)) & set(_SENTENCE.split(now)) else 0
    matcher = SequenceMatcher(None, _words(before), _words(now), autojunk=False)
    if matcher.quick_ratio() < ALIKE:
        return least
    ratio = matcher.ratio()
    return ratio if ratio >= ALIKE else least


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text) if not word.isspace()]


def _by_sentence(before: str | None, now: str | None) -> tuple[Piece, ...]:
    if before is None or now is None:
        return (Piece(Status.ADDED, now or ""),) if before is None else (Piece(Status.REMOVED, before),)
    if before == now:
        return (Piece(Status.SAME, now),)
    pieces: list[Piece] = []
    for was, is_now in _aligned(_SENTENCE.split(before), _SENTENCE.split(now)):
        if pieces:
            pieces.append(Piece(Status.SAME, " "))
        if was is None or is_now is None:
            pieces += _by_sentence(was, is_now)
        else:
            pieces += _by_word(was, is_now)
    return _joined(pieces)


def _by_word(before: str, now: str) -> Iterator[Piece]:
    old, new = _WORD.findall(before), _WORD.findall(now)
    removed = added = ""
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        was, is_now = "".join(old[i1:i2]), "".join(new[j1:j2])
        # A space or a comma between two changes is no resting place for the eye.
        if tag == "equal" and (not (removed or added) or any(map(str.isalnum, is_now)) or j2 == len(new)):
            yield from _changed(removed, added)
            removed = added = ""
            yield Piece(Status.SAME, is_now)
        else:
            removed, added = removed + was, added + is_now
    yield from _changed(removed, added)


def _changed(removed: str, added: str) -> Iterator[Piece]:
    """The spaces around a change are nobody's."""
    if removed.strip() == added.strip():
        if added:
            yield Piece(Status.SAME, added)
        return
    if removed[:1].isspace() or added[:1].isspace():
        yield Piece(Status.SAME, " ")
    for status, text in ((Status.REMOVED, removed.strip()), (Status.ADDED, added.strip())):
        if text:
            yield Piece(status, text)
    if removed[-1:].isspace() or added[-1:].isspace():
        yield Piece(Status.SAME, " ")


def _joined(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """``pieces`` with neighbours of one status made one."""
    return tuple(
        Piece(status, "".join(piece.text for piece in run))
        for status, run in groupby(pieces, lambda piece: piece.status)
    )
