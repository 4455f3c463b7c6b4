"""The Dutch catalogue without gettext: a fresh machine has none.

python scripts/messages.py compile   write the .mo files that are older than their .po
python scripts/messages.py update    bring the .po in line with the sources
python scripts/messages.py check     exit 1 where a sentence is untranslated, fuzzy or gone
"""

import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = sorted(ROOT.glob("locale/*/LC_MESSAGES/django.po"))
SOURCES = ("consent", "policies", "privacy_site", "retention", "templates")
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)|\{(\w*)\}")

# Context, singular and plural; an absent one is the empty string.
Key = tuple[str, str, str]


def compile_catalogues() -> list[Path]:
    """Write each .mo that is missing or older than its .po; those that were written."""
    written = []
    for catalogue in CATALOGUES:
        target = catalogue.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= catalogue.stat().st_mtime:
            continue
        # Two commands at once must not read each other's half of a file.
        partial = target.with_suffix(f".{os.getpid()}.partial")
        polib.pofile(str(catalogue)).save_as_mofile(str(partial))
        partial.replace(target)
        written.append(target)
    return written


def in_sources() -> dict[Key, list[str]]:
    """Every sentence that the code and the templates mark, and the files where it stands."""
    found: dict[Key, list[str]] = {}
    for path in _files():
        for key in _marked_in(path):
            places = found.setdefault(key, [])
            if (place := str(path.relative_to(ROOT))) not in places:
                places.append(place)
    return found


def faults(catalogue: Path, sources: dict[Key, list[str]]) -> list[str]:
    """What keeps ``catalogue`` from being complete, a line each."""
    entries = polib.pofile(str(catalogue))
    lines = [
        f"{places[0]}: “{key[1]}” is not in the catalogue (make messages)"
        for key, places in sources.items()
        if key not in {_key(entry) for entry in entries}
    ]
    for entry in entries:
        where = f"{catalogue.relative_to(ROOT)}:{entry.linenum}: “{entry.msgid}”"
        texts = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
        if entry.obsolete or _key(entry) not in sources:
            lines.append(f"{where} stands nowhere any more")
        elif "fuzzy" in entry.flags:
            lines.append(f"{where} is marked fuzzy")
        elif not texts or not all(text.strip() for text in texts):
            lines.append(f"{where} is not translated")
        elif not all(_placeholders(text) <= _placeholders(entry.msgid + entry.msgid_plural) for text in texts):
            lines.append(f"{where} has a placeholder in its translation that the source has not")
    return lines


def update(catalogue: Path, sources: dict[Key, list[str]]) -> tuple[int, int]:
    """Add what is new and remove what is gone; how many of each. Translations stay."""
    entries = polib.pofile(str(catalogue), wrapwidth=0)
    known = {_key(entry): entry for entry in entries if not entry.obsolete}
    kept = []
    for key, places in sources.items():
        context, singular, plural = key
        entry = known.get(key) or polib.POEntry(
            msgctxt=context or None,
            msgid=singular,
            msgid_plural=plural,
            msgstr_plural={0: "", 1: ""} if plural else {},
            flags=["python-format"] if "%(" in singular + plural else [],
        )
        entry.occurrences = [(place, "") for place in places]
        kept.append(entry)
    added, removed = len(sources.keys() - known.keys()), len(entries) - len(sources.keys() & known.keys())
    entries[:] = kept
    entries.save(str(catalogue))
    return added, removed


def _files() -> Iterator[Path]:
    for directory in SOURCES:
        for path in sorted((ROOT / directory).rglob("*")):
            if path.suffix in {".py", ".html", ".txt"} and "migrations" not in path.parts:
                yield path


def _marked_in(path: Path) -> Iterator[Key]:
    from babel.messages.extract import extract
    from django.utils.translation.template import templatize

    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        # Django turns a template into a file of calls to gettext; its indentation means nothing.
        text = "\n".join(line.lstrip() for line in templatize(text).splitlines())
    stream = io.BytesIO(text.encode())
    for _line, message, _comments, context in extract("python", stream, keywords=KEYWORDS):
        singular, plural = message if isinstance(message, tuple) else (message, "")
        if singular:
            yield context or "", singular, plural


def _key(entry: polib.POEntry) -> Key:
    return entry.msgctxt or "", entry.msgid, entry.msgid_plural or ""


def _placeholders(text: str) -> set[str]:
    return {named or braced for named, braced in PLACEHOLDER.findall(text)}


def main(arguments: list[str]) -> int:
    if not CATALOGUES:
        print("There is no catalogue under locale/.", file=sys.stderr)
        return 1
    if arguments == ["compile"]:
        for path in compile_catalogues():
            print(f"Compiled {path.relative_to(ROOT)}")
        return 0
    if arguments not in (["update"], ["check"]):
        print(__doc__, file=sys.stderr)
        return 2
    sources = in_sources()
    if arguments == ["update"]:
        for catalogue in CATALOGUES:
            added, removed = update(catalogue, sources)
            print(f"{catalogue.relative_to(ROOT)}: {added} new, {removed} removed, {len(sources)} in all")
        return 0
    lines = [line for catalogue in CATALOGUES for line in faults(catalogue, sources)]
    print("\n".join(lines) if lines else f"{len(sources)} sentences, all translated.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
