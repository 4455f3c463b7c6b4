#!/usr/bin/env python3
"""Checks an evidence bundle of consent records, on any computer, without a network.

    python3 verify.py                 the directory in which this script lies
    python3 verify.py bundle.zip      a bundle as it was received; nothing is unpacked
    python3 verify.py --nl            the same in Dutch

    --expect SHA-256    a seal that you got and kept yourself must be in the chain
    --key KEY           the public key (base64) that the seals have to be signed with, from elsewhere

It ends with 0 where all that can be checked is right, with 1 where something is not, and with 2
where it could not check. It needs Python 3.8 or later and nothing else: read it before you rely on
it, or write your own; README.txt describes the files.
"""

import argparse
import base64
import binascii
import hashlib
import json
import os
import re
import sys
import zipfile
import zlib
from datetime import date, datetime, timedelta

FORMAT = 1
PIECE = 1 << 20
LONGEST_LINE = 1 << 20
LARGEST_DOCUMENT = 1 << 26
MOST_FAULTS = 200
# A day is sealed in the night after it; the rest is for a server that stood still.
SEALED_WITHIN = timedelta(days=2)

FILES = [
    "README.txt", "LEESMIJ.txt", "verify.py", "manifest.json", "records.jsonl", "seals.json", "versions.json",
    "banners.json", "style/tokens.css", "style/page.css", "style/print.css",
]  # fmt: skip
VERSION_FILES = ["statement.json", "statement-en.html", "statement-nl.html", "statement-en.pdf", "statement-nl.pdf"]
RECORD_FIELDS = {
    "action", "banner", "choices", "decided_at", "gpc", "id", "language", "once", "recorded_at", "subject", "vendors",
    "version", "website",
}  # fmt: skip


# A bundle of another form, or a file that cannot be read: no more can be said of it.
UNREADABLE = (
    AttributeError, IndexError, KeyError, OSError, RuntimeError, TypeError, ValueError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


class CannotCheck(Exception):
    """There is no bundle here, or none that this script knows."""


# -- Words -----------------------------------------------------------------------------------------


class Report:
    """What was found, in the language of the reader."""

    def __init__(self, is_dutch):
        self.is_dutch = is_dutch
        self.right, self.wrong, self.known, self.unknown = [], [], [], []

    def say(self, english, dutch, *values):
        return (dutch if self.is_dutch else english).format(*values)

    def ok(self, english, dutch, *values):
        self.right.append(self.say(english, dutch, *values))

    def fault(self, english, dutch, *values):
        self.wrong.append(self.say(english, dutch, *values))

    def proves(self, english, dutch, *values):
        self.known.append(self.say(english, dutch, *values))

    def not_proven(self, english, dutch, *values):
        self.unknown.append(self.say(english, dutch, *values))

    def text(self):
        parts = []
        for lines, english, dutch in (
            (self.right, "Right:", "In orde:"),
            (self.wrong, "NOT RIGHT:", "NIET IN ORDE:"),
            (
                self.known,
                "What is proven all the same:" if self.wrong else "What this proves:",
                "Wat desondanks is bewezen:" if self.wrong else "Wat dit bewijst:",
            ),
            (self.unknown, "What this does not prove:", "Wat dit niet bewijst:"),
        ):
            if not lines:
                continue
            shown = lines[:MOST_FAULTS]
            if len(lines) > len(shown):
                shown.append(self.say("… and {} more.", "… en nog {}.", len(lines) - len(shown)))
            parts.append("\n".join([self.say(english, dutch), *("  - " + _printable(line) for line in shown)]))
        return "\n\n".join(parts)


def _printable(text):
    """Names and values come from the bundle: none of them may steer a terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


# -- Where the files are ---------------------------------------------------------------------------


class Directory:
    """An unpacked bundle."""

    def __init__(self, path):
        self.path = path
        self.odd = []  # what is no plain file
        self.names = set()
        for folder, folders, files in os.walk(path):
            for name in [*folders, *files]:
                whole = os.path.join(folder, name)
                inside = os.path.relpath(whole, path).replace(os.sep, "/")
                if os.path.islink(whole):
                    self.odd.append(inside)
                elif name in files:
                    (self.names.add if os.path.isfile(whole) else self.odd.append)(inside)

    def open(self, name):
        return open(os.path.join(self.path, *name.split("/")), "rb")


class Archive:
    """A bundle as it was received. Nothing of it is written anywhere, whatever its names say."""

    def __init__(self, path):
        self.zip = zipfile.ZipFile(path)
        self.odd = []
        self.names = set()
        for entry in self.zip.infolist():
            is_link = (entry.external_attr >> 16) & 0o170000 == 0o120000
            if is_link or entry.filename in self.names or not _is_plain(entry.filename):
                self.odd.append(entry.filename)
            else:
                self.names.add(entry.filename)

    def open(self, name):
        return self.zip.open(name)


def _is_plain(name):
    """Whether ``name`` stays inside the folder where somebody would unpack it, on any system."""
    parts = name.split("/")
    return not re.search(r"[\\:\x00-\x1f]", name) and all(part not in ("", ".", "..") for part in parts)


def open_bundle(path):
    if os.path.isdir(path):
        return Directory(path)
    try:
        return Archive(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise CannotCheck(f"{path}: {error}") from error


def read(source, name):
    with source.open(name) as file:
        body = file.read(LARGEST_DOCUMENT + 1)
    if len(body) > LARGEST_DOCUMENT:
        raise ValueError(f"{name} is larger than {LARGEST_DOCUMENT} bytes")
    return body


def lines(source, name):
    """The lines of ``name``, without their ends."""
    with source.open(name) as file:
        while line := file.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE:
                raise ValueError(f"{name} has a line of more than {LONGEST_LINE} bytes")
            yield line[:-1] if line.endswith(b"\n") else line


def digest_of(source, name):
    """(size, SHA-256) of a file."""
    size, sha = 0, hashlib.sha256()
    with source.open(name) as file:
        while piece := file.read(PIECE):
            size += len(piece)
            sha.update(piece)
    return size, sha.hexdigest()


# -- The check ---------------------------------------------------------------------------------


class Check:
    """One bundle: each step says what is right and what is not, and goes on."""

    def __init__(self, source, report, expect="", key=""):
        self.source, self.report, self.expect, self.key = source, report, expect.lower(), key
        self.manifest, self.query = {}, {}
        self.versions, self.banners, self.seals, self.purges, self.seal_purges = {}, {}, {}, [], []
        self.number = self.proven = self.unsealed = self.signed = 0
        self.keys = []
        self.late = {}  # on which day seals were made that should have been made before, and of which days
        self.broken = set()  # days whose seal is not what it says
        self.is_expected = self.is_whole = False
        self.complete = []  # days of which every record is here

    def run(self):
        self.files()
        self.statement_versions()
        self.asked()
        self.chain()
        self.places()
        self.records()
        self.words()

    # -- Files

    def files(self):
        """The manifest against what is there."""
        source, report = self.source, self.report
        if "manifest.json" not in source.names:
            raise CannotCheck(report.say("There is no manifest.json here.", "Er is hier geen manifest.json."))
        self.manifest = self.json("manifest.json", dict)
        if self.manifest.get("format") != FORMAT:
            raise CannotCheck(
                report.say(
                    "This script knows format {}, this is another one.",
                    "Dit script kent formaat {}, dit is een ander.",
                    FORMAT,
                )
            )
        self.query = self.manifest["query"]
        for name in source.odd:
            report.fault(
                "{}: a link, a name twice, or a name that leads outside; it is not looked at.",
                "{}: een koppeling, een dubbele naam of een naam die naar buiten wijst; er is niet naar gekeken.",
                name,
            )
        listed = {}
        for entry in self.manifest.get("files", []):
            name = entry["path"]
            if name in listed:
                report.fault("{}: is listed twice.", "{}: staat dubbel in de lijst.", name)
            listed[name] = entry
        for name in sorted(listed.keys() - source.names):
            report.fault("{}: is missing.", "{}: ontbreekt.", name)
        for name in sorted(source.names - listed.keys() - {"manifest.json"}):
            report.fault(
                "{}: was added; the manifest does not list it.", "{}: is toegevoegd; het manifest noemt het niet.", name
            )
        same = 0
        for name in sorted(listed.keys() & source.names):
            entry = listed[name]
            if digest_of(source, name) == (entry.get("size"), entry.get("sha256")):
                same += 1
            else:
                report.fault(
                    "{}: is not the file that the manifest lists.", "{}: is niet het bestand uit het manifest.", name
                )
        report.ok("Files as the manifest lists them: {}.", "Bestanden zoals het manifest ze noemt: {}.", same)

    def json(self, name, kind):
        """A document of the bundle. Without it nothing can be said."""
        try:
            value = json.loads(read(self.source, name).decode("utf-8"))
            if isinstance(value, kind):
                return value
        except (KeyError, OSError, ValueError, RecursionError, zipfile.BadZipFile) as error:
            raise CannotCheck(f"{name}: {error}") from error
        raise CannotCheck(self.report.say("{}: has another form.", "{}: heeft een andere vorm.", name))

    # -- Statements

    def statement_versions(self):
        report = self.report
        right = 0
        for entry in self.json("versions.json", list):
            number = entry["number"]
            self.versions[number] = entry
            folder = f"versions/{number}/"
            for name in [name for name in VERSION_FILES if folder + name not in self.source.names]:
                report.fault("{}{}: is missing.", "{}{}: ontbreekt.", folder, name)
            if folder + "statement.json" not in self.source.names:
                continue
            found = len(report.wrong)
            text = read(self.source, folder + "statement.json")
            if hashlib.sha256(text).hexdigest() != entry["digest"]:
                report.fault(
                    "{}statement.json: does not hash to the SHA-256 of version {}.",
                    "{}statement.json: heeft niet de SHA-256 van versie {}.",
                    folder,
                    number,
                )
            self._document(text, entry, folder)
            self._printed(entry, folder)
            right += len(report.wrong) == found
        for number, entry in sorted(self.versions.items()):
            before = self.versions.get(number - 1)
            if before and entry["previous"] != before["digest"]:
                report.fault(
                    "Version {} does not follow the version {} that is here.",
                    "Versie {} volgt niet op de versie {} die hier zit.",
                    number,
                    number - 1,
                )
        report.ok(
            "Versions of the statement that hash to their SHA-256: {}.",
            "Versies van de verklaring die hun SHA-256 hebben: {}.",
            right,
        )

    def _document(self, text, entry, folder):
        try:
            document = json.loads(text.decode("utf-8"))
            says = document["number"], document["previous"]
        except (KeyError, TypeError, ValueError, RecursionError):
            says, document = None, {}
        if says != (entry["number"], entry["previous"]):
            self.report.fault(
                "{}statement.json: does not say the number and the predecessor of version {}.",
                "{}statement.json: noemt niet het nummer en de voorganger van versie {}.",
                folder,
                entry["number"],
            )
        if folder + "review.json" in self.source.names:
            _size, digest = digest_of(self.source, folder + "review.json")
            if digest != document.get("review"):
                self.report.fault(
                    "{}review.json: is not the review that the statement names.",
                    "{}review.json: is niet de beoordeling die de verklaring noemt.",
                    folder,
                )

    def _printed(self, entry, folder):
        for language, expected in entry["pdfs"].items():
            name = f"{folder}statement-{language}.pdf"
            if name in self.source.names and digest_of(self.source, name)[1] != expected:
                self.report.fault(
                    "{}: is not the PDF made at publication.", "{}: is niet de pdf die bij publicatie is gemaakt.", name
                )

    # -- Banners

    def asked(self):
        """The bytes in which a choice was asked for: each is named by its own SHA-256."""
        report, right = self.report, 0
        for entry in self.json("banners.json", list):
            digest = entry["digest"]
            self.banners[digest] = entry
            name = banner_file(entry)
            if name not in self.source.names:
                report.fault("{}: is missing.", "{}: ontbreekt.", name)
                continue
            body = read(self.source, name)
            if hashlib.sha256(body).hexdigest() != digest:
                report.fault(
                    "{}: is not what visitors saw; its SHA-256 is another.",
                    "{}: is niet wat bezoekers zagen; de SHA-256 is een andere.",
                    name,
                )
            elif not self._says_where_it_belongs(body, entry):
                report.fault(
                    "{}: does not belong to web site {} and version {}.",
                    "{}: hoort niet bij website {} en versie {}.",
                    name,
                    entry["website"],
                    entry["version"],
                )
            else:
                right += 1
        for entry in list(self.banners.values()):
            if entry["details"] and entry["details"] not in self.banners:
                report.fault(
                    "The second layer {} of a banner is missing.",
                    "De tweede laag {} van een banner ontbreekt.",
                    entry["details"],
                )
        report.ok(
            "Banners and forms that hash to their SHA-256: {}.",
            "Banners en formulieren die hun SHA-256 hebben: {}.",
            right,
        )

    def _says_where_it_belongs(self, body, entry):
        """A banner names its web site, its version and its second layer, behind its code; nothing where it does not."""
        if entry["kind"] != "script":
            return True
        text = body.decode("utf-8", "replace")
        expected = {"website": entry["website"], "version": str(entry["version"]), "details": entry["details"]}
        found = {name: re.findall(r'[{,]"?' + name + r'"?:"?([-\w]+)', text) for name in expected}
        return all(not found[name] or found[name][-1] == said for name, said in expected.items())

    # -- Seals

    def chain(self):
        """Each seal holds the digest of the one before; a signature is of all that lies before it as well."""
        report = self.report
        document = self.json("seals.json", dict)
        self.purges = document["purges"]
        self.seal_purges = document.get("seal_purges", [])  # bundles of former releases have none
        before, unsigned = None, []
        for entry in document["seals"]:
            text = entry["text"].encode("utf-8")
            seal = json.loads(entry["text"])
            day = seal["day"]
            if day in self.seals:
                report.fault("The seal of {} is here twice.", "Het zegel van {} komt dubbel voor.", day)
            self.seals[day] = seal
            if hashlib.sha256(text).hexdigest() != entry["digest"]:
                self.broken.add(day)
                report.fault(
                    "The seal of {}: its text does not hash to its SHA-256.",
                    "Het zegel van {}: de tekst heeft niet de SHA-256 die erbij staat.",
                    day,
                )
            if before is not None and (seal["previous"], day) != (before[0], _next(before[1])):
                self.broken.add(day)
                report.fault(
                    "The seal of {} does not follow the one before it.",
                    "Het zegel van {} volgt niet op het vorige.",
                    day,
                )
            self._made_at(entry, seal, day)
            before = entry["digest"], day
            self.is_expected = self.is_expected or entry["digest"] == self.expect
            if entry["signature"]:
                unsigned = []
                self._signature(entry, text, day)
            else:
                unsigned.append(day)
        if self.key and unsigned:
            report.fault(
                "From the seal of {} on, nothing is signed.",
                "Vanaf het zegel van {} is niets ondertekend.",
                unsigned[0],
            )
        if self.expect and not self.is_expected:
            report.fault(
                "The seal {} that you kept is not in the chain.",
                "Het zegel {} dat u bewaarde, zit niet in de keten.",
                self.expect,
            )
        if self.seals:
            report.ok(
                "Seals: {}, from {} to {}; signed: {}. The newest says that it was made on {}.",
                "Zegels: {}, van {} tot en met {}; ondertekend: {}. Het jongste zegt dat het is gemaakt op {}.",
                len(self.seals),
                min(self.seals),
                max(self.seals),
                self.signed,
                day_of(self.seals[max(self.seals)]["sealed_at"]),
            )

    def _made_at(self, entry, seal, day):
        """When it was made is in the text that is hashed: who seals a past anew cannot do so unseen."""
        if entry["sealed_at"] != seal["sealed_at"]:
            self.report.fault(
                "The seal of {}: the moment beside it is not the one in its text.",
                "Het zegel van {}: het moment dat erbij staat, is niet dat in de tekst.",
                day,
            )
        if _since_the_end(day, seal["sealed_at"]) > SEALED_WITHIN:
            self.late.setdefault(day_of(seal["sealed_at"]), []).append(day)

    def _signature(self, entry, text, day):
        self.signed += 1
        if entry["key"] not in self.keys:
            self.keys.append(entry["key"])
        if not signature_is_valid(entry["key"], text, entry["signature"]):
            self.broken.add(day)
            self.report.fault(
                "The seal of {}: the signature is not valid.", "Het zegel van {}: de handtekening klopt niet.", day
            )
        elif self.key and entry["key"] != self.key:
            self.broken.add(day)
            self.report.fault(
                "The seal of {}: is signed with another key than the one you gave.",
                "Het zegel van {}: is ondertekend met een andere sleutel dan u gaf.",
                day,
            )

    # -- Places

    def places(self):
        """A file that nothing refers to belongs to no bundle, whatever the manifest says of it."""
        expected = {*FILES, *map(banner_file, self.banners.values())}
        expected |= {
            f"versions/{number}/{name}" for number in self.versions for name in [*VERSION_FILES, "review.json"]
        }
        expected |= {f"proofs/{day}.{kind}" for day in self.seals for kind in ("leaves", "jsonl")}
        for name in sorted(self.source.names - expected):
            self.report.fault("{}: has no place in a bundle.", "{}: hoort niet in een bundel.", name)

    # -- Records

    def records(self):
        """Every record: its form, what it refers to, and its place under the seal of its day."""
        days = {}
        last = ""
        for line in lines(self.source, "records.jsonl"):
            self.number += 1
            try:
                record = json.loads(line.decode("utf-8"))
                day = day_of(record["recorded_at"])
                identifier = record["id"]
                raw = bytes.fromhex(identifier.replace("-", ""))
                if len(raw) != 16:
                    raise ValueError(identifier)
            except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
                self.report.fault(
                    "records.jsonl, line {}: is no record.",
                    "records.jsonl, regel {}: is geen registratie.",
                    self.number,
                )
                continue
            self._one(record, identifier, line)
            self._asked_for(record, identifier, day)
            if identifier <= last:
                self.report.fault(
                    "Record {}: is here twice, or not in its place.",
                    "Registratie {}: komt dubbel voor of staat niet op haar plaats.",
                    identifier,
                )
            last = identifier
            days.setdefault(day, Day()).add(raw, hashlib.sha256(b"\x00" + line).digest())
        if not self.number:
            self.report.fault("There is no record here.", "Er is hier geen registratie.")
        self.is_whole = not self.report.wrong
        for day in sorted(days):
            if day in self.seals:
                self._sealed(day, days[day])
            else:
                self._not_sealed(day, days[day])
        self._whole_period(days)
        if (self.key or self.expect) and not self.proven:
            self.report.fault(
                "You gave a key or a seal, but of no record here a seal proves anything.",
                "U gaf een sleutel of een zegel op, maar van geen enkele registratie hier bewijst een zegel iets.",
            )
        if self.number != self.manifest.get("records"):
            self.report.fault(
                "Records that are here: {}; the manifest counts {}.",
                "Registraties die er zijn: {}; het manifest telt er {}.",
                self.number,
                self.manifest.get("records"),
            )
        if self.proven:
            self.report.ok(
                "Records that are under the seal of their day as they stand here: {} of {}.",
                "Registraties die zoals ze hier staan onder het zegel van hun dag vallen: {} van {}.",
                self.proven,
                self.number,
            )

    def _one(self, record, identifier, line):
        report = self.report
        if set(record) != RECORD_FIELDS or canonical(record).encode("utf-8") != line:
            report.fault(
                "Record {}: is not written in the one form that is hashed.",
                "Registratie {}: staat niet in de ene vorm waarover de hash gaat.",
                identifier,
            )
            return
        banner = self.banners.get(record["banner"])
        if record["version"] not in self.versions:
            report.fault(
                "Record {}: names version {}, which is not here.",
                "Registratie {}: noemt versie {}, die hier niet zit.",
                identifier,
                record["version"],
            )
        if banner is None:
            report.fault(
                "Record {}: names a banner that is not here.",
                "Registratie {}: noemt een banner die hier niet zit.",
                identifier,
            )
        elif (banner["website"], banner["version"]) != (record["website"], record["version"]) or banner[
            "language"
        ] not in ("", record["language"]):
            report.fault(
                "Record {}: names a banner of another web site, version or language.",
                "Registratie {}: noemt een banner van een andere website, versie of taal.",
                identifier,
            )

    def _asked_for(self, record, identifier, day):
        """Whether the record answers the question that the manifest says was asked."""
        fields = dict(record, receipt=identifier)
        fits = all(str(fields[name]) == value for name, value in self.query.items() if name in fields)
        if not fits or not self._in_period(day):
            self.report.fault(
                "Record {}: is not what the manifest says was asked for.",
                "Registratie {}: is niet waarnaar volgens het manifest is gevraagd.",
                identifier,
            )

    def _in_period(self, day):
        return self.query.get("since", day) <= day <= self.query.get("until", day)

    def _not_sealed(self, day, found):
        """Days are sealed one after the other, so only the last ones can have no seal yet."""
        if self.seals and day <= max(self.seals):
            self.report.fault(
                "Records of {}: {}. That day has no seal here, though a later day has one: its seal was taken out, or "
                "they were put there later.",
                "Registraties van {}: {}. Die dag heeft hier geen zegel, een latere dag wel: het zegel is eruit "
                "gehaald of zij zijn later toegevoegd.",
                day,
                found.count,
            )
        elif _since_the_end(day, self.manifest["made_at"]) > SEALED_WITHIN:
            self.report.fault(
                "Records of {}: {}. That day was over for more than two days when the bundle was made, and has no "
                "seal.",
                "Registraties van {}: {}. Die dag was al meer dan twee dagen voorbij toen de bundel werd gemaakt, en "
                "heeft geen zegel.",
                day,
                found.count,
            )
        else:
            self.unsealed += found.count

    def _sealed(self, day, found):
        seal = self.seals[day]
        if day in self.broken:
            return  # it shows nothing, and that has been said
        if (found.count, found.root().hex()) == (seal["count"], seal["root"]):
            self.proven += found.count
            self.complete.append(day)
        elif f"proofs/{day}.leaves" in self.source.names:
            self._among_leaves(day, found)
        elif f"proofs/{day}.jsonl" in self.source.names:
            self._by_paths(day, found)
        else:
            self.report.fault(
                "The records of {} ({}) do not give the root of that day, and nothing says which of them differs.",
                "De registraties van {} ({}) leveren niet de wortel van die dag op, en niets zegt welke afwijkt.",
                day,
                found.count,
            )

    def _among_leaves(self, day, found):
        """A whole day: which records are not what was sealed, and how many that were are not here."""
        tree, leaves = Tree(), set()
        for line in lines(self.source, f"proofs/{day}.leaves"):
            leaf = _hash(line.decode("ascii", "replace"))
            tree.add(leaf)
            leaves.add(leaf)
        seal = self.seals[day]
        if (tree.count, tree.root().hex()) != (seal["count"], seal["root"]):
            self.report.fault(
                "proofs/{}.leaves: is not the list under the seal of that day.",
                "proofs/{}.leaves: is niet de lijst onder het zegel van die dag.",
                day,
            )
            return
        for identifier, leaf in found:
            if leaf in leaves:
                leaves.discard(leaf)
                self.proven += 1
            else:
                self._differs(identifier, day)
        if leaves:
            self.report.fault(
                "Records sealed on {} that are not here as they were: {}.",
                "Registraties die op {} zijn verzegeld en hier niet zitten zoals ze waren: {}.",
                day,
                len(leaves),
            )

    def _by_paths(self, day, found):
        """Some records of a day: from each a path of hashes leads to the root (RFC 9162, 2.1.3.2)."""
        seal = self.seals[day]
        proofs = {}
        for line in lines(self.source, f"proofs/{day}.jsonl"):
            proof = json.loads(line.decode("utf-8"))
            proofs[bytes.fromhex(proof["id"].replace("-", ""))] = proof["index"], proof["path"]
        for identifier, leaf in found:
            proof = proofs.pop(identifier, None)
            if proof is None:
                self.report.fault(
                    "Record {}: nothing shows that it was there when {} was sealed.",
                    "Registratie {}: niets toont aan dat ze er was toen {} werd verzegeld.",
                    _uuid(identifier),
                    day,
                )
            elif root_by_path(leaf, proof[0], seal["count"], proof[1]) == seal["root"]:
                self.proven += 1
            else:
                self._differs(identifier, day)
        for identifier in proofs:
            self.report.fault(
                "Record {}: was taken out; what proves it is still here.",
                "Registratie {}: is eruit gehaald; wat haar bewijst, zit er nog.",
                _uuid(identifier),
            )
        if self._is_whole_period() and found.count < seal["count"]:
            self.report.fault(
                "Records sealed on {}: {}. Here: {}.",
                "Registraties die op {} zijn verzegeld: {}. Hier: {}.",
                day,
                seal["count"],
                found.count,
            )

    def _differs(self, identifier, day):
        self.report.fault(
            "Record {}: is not what was sealed on {}, or what should prove it belongs to another one.",
            "Registratie {}: is niet wat op {} is verzegeld, of wat haar moet bewijzen hoort bij een andere.",
            _uuid(identifier),
            day,
        )

    def _is_whole_period(self):
        """Whether all that arrived was asked for, at most between two days."""
        return set(self.query) <= {"since", "until"}

    def _whole_period(self, days):
        """Where a period was asked for and nothing else, no sealed day and no record of one may lack."""
        if not self._is_whole_period():
            return
        self._no_seal_lacks()
        for day, seal in sorted(self.seals.items()):
            if day in days or day in self.broken or not self._in_period(day):
                continue
            purges = [purge for purge in self.purges if purge["before"] > day]
            if seal["count"] == 0:
                self.complete.append(day)
            elif purges:
                self._said_to_be_erased(day, seal["count"], min(purges, key=lambda purge: purge["decided_at"]))
            else:
                self.report.fault(
                    "The records of {} are missing: {}.", "De registraties van {} ontbreken: {}.", day, seal["count"]
                )
        self.complete.sort()

    def _no_seal_lacks(self):
        """Seals that were cut off, at the beginning or at the end, would hide the records of their days."""
        if not self.seals:
            return
        first, last = min(self.seals), max(self.seals)
        since, until = self.query.get("since", first), self.query.get("until", date.max.isoformat())
        if since < first and self.seals[first]["previous"]:
            purge = self._said_to_go_on_at(first)
            if purge:
                self._said_to_have_no_seal(since, first, purge)
            else:
                self.report.fault(
                    "The seals from {} until {} are missing.", "De zegels van {} tot {} ontbreken.", since, first
                )
        if last < until and _since_the_end(_next(last), self.manifest["made_at"]) > SEALED_WITHIN:
            self.report.fault(
                "The seals after {} are missing: the day after it was over for more than two days when the bundle was "
                "made.",
                "De zegels na {} ontbreken: de dag erna was al meer dan twee dagen voorbij toen de bundel is gemaakt.",
                last,
            )

    def _said_to_go_on_at(self, first):
        """The erasure of the seals up to the one that the seal of ``first`` follows, if the bundle names one."""
        for purge in self.seal_purges:
            if _next(purge["up_to"]) == first and purge["last_digest"] == self.seals[first]["previous"]:
                return purge
        return None

    def _said_to_have_no_seal(self, since, first, purge):
        """As below: the first seal shows which one it follows, and nobody signs why that is not here."""
        self.report.not_proven(
            "That the seals from {} until {} were erased under a retention rule, with all records of those days. The "
            "bundle says so: rule {} ({}), since {}. Ask for proof of it.",
            "Dat de zegels van {} tot {} volgens een bewaarregel zijn gewist, met alle registraties van die dagen. "
            "De bundel zegt het: regel {} ({}), sinds {}. Vraag er bewijs van.",
            since,
            first,
            purge["rule"],
            purge["wording"],
            day_of(purge["decided_at"]),
        )

    def _said_to_be_erased(self, day, count, purge):
        """Nothing signs what was erased, so it is no more than what the bundle says."""
        self.report.not_proven(
            "That the records sealed on {} ({}) were erased under a retention rule. The bundle says so, but no seal "
            "covers that: rule {} ({}), since {}. Ask for proof of it.",
            "Dat de registraties die op {} zijn verzegeld ({}) volgens een bewaarregel zijn gewist. De bundel zegt "
            "het, maar geen zegel dekt dat: regel {} ({}), sinds {}. Vraag er bewijs van.",
            day,
            count,
            purge["rule"],
            purge["wording"],
            day_of(purge["decided_at"]),
        )

    # -- What it all means

    def words(self):
        report = self.report
        if self.is_whole:
            report.proves(
                "To each record belong the version of the statement and the banner or form that are here with it.",
                "Bij elke registratie horen de versie van de verklaring en de banner of het formulier die hier zitten.",
            )
        if self.proven:
            report.proves(
                "Records that were there, exactly as they are here, when the day on which they arrived was sealed: {}.",
                "Registraties die er waren, precies zoals ze hier zijn, toen de dag waarop zij binnenkwamen werd "
                "verzegeld: {}.",
                self.proven,
            )
        if self.complete:
            report.proves(
                "Of these days every record is here, and none was put in later: {}.",
                "Van deze dagen is elke registratie hier, en is er later geen toegevoegd: {}.",
                _listed(self.complete),
            )
        if self.signed and self.key and not self.broken:
            report.proves(
                "The signed seals were made by who holds the private half of the key that you gave.",
                "De ondertekende zegels zijn gemaakt door wie de geheime helft heeft van de sleutel die u gaf.",
            )
        elif self.signed and not self.key:
            report.not_proven(
                "Whose signature it is. Ask, by another way than this bundle, whether this key is theirs, and give it "
                "with --key: {}.",
                "Van wie de handtekening is. Vraag langs een andere weg of deze sleutel van hen is, en geef hem op "
                "met --key: {}.",
                ", ".join(self.keys),
            )
        if self.is_expected and not self.broken:
            report.proves(
                "Up to the seal that you kept, no sealed day was changed since you got it.",
                "Tot en met het zegel dat u bewaarde, is sindsdien geen verzegelde dag gewijzigd.",
            )
        elif self.seals and not self.expect:
            report.not_proven(
                "That the whole chain was not made anew by who owns the database. A seal that was handed out earlier "
                "shows it; give it with --expect.",
                "Dat de eigenaar van de database niet de hele keten opnieuw heeft gemaakt. Een zegel dat eerder is "
                "afgegeven laat dat zien; geef het op met --expect.",
            )
        for made_on, days in sorted(self.late.items()):
            report.not_proven(
                "That nothing was changed before the seal of these days was made, which was late, on {}: {}.",
                "Dat er niets is gewijzigd voordat het zegel van deze dagen werd gemaakt, te laat, op {}: {}.",
                made_on,
                _listed(days),
            )
        if self.unsealed:
            report.not_proven(
                "That the records are unchanged whose day of arrival had no seal yet: {}. A later bundle can show it.",
                "Dat de registraties ongewijzigd zijn waarvan de dag van binnenkomst nog geen zegel had: {}. Een "
                "latere bundel kan dat laten zien.",
                self.unsealed,
            )
        report.not_proven("Who chose: a record names no person.", "Wie koos: een registratie noemt geen persoon.")
        report.not_proven(
            "That there are no further records, except on the days named above.",
            "Dat er niet meer registraties zijn, behalve op de dagen die hierboven staan.",
        )
        report.not_proven(
            "That the clocks were right: of the server, and of the visitor's device.",
            "Dat de klokken gelijk liepen: die van de server en die van het apparaat van de bezoeker.",
        )
        report.not_proven(
            "That the HTML and PDF say what statement.json says: they were made from it, but its SHA-256 is what "
            "counts. Compare that with the fingerprint on the public page of the version.",
            "Dat de html en de pdf zeggen wat statement.json zegt: zij zijn ervan gemaakt, maar de SHA-256 daarvan "
            "telt. Vergelijk die met de vingerafdruk op de openbare pagina van de versie.",
        )


# -- Forms -----------------------------------------------------------------------------------------


def canonical(document):
    """Equal content, equal text (RFC 8785, for what occurs here)."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def banner_file(entry):
    return "banners/{}.{}".format(entry["digest"], "html" if entry["kind"] == "form" else "js")


def day_of(moment):
    """The day in Amsterdam of ``2026-11-22T20:41:45.123456Z``."""
    return _in_amsterdam(moment).date().isoformat()


def _in_amsterdam(moment):
    """``2026-11-22T20:41:45.123456Z`` as the clock there showed it.

    Summer time begins and ends at 01:00 UTC on the last Sundays of March and October (Directive
    2000/84/EC); zone files are not on every computer.
    """
    utc = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%fZ")
    is_summer = _last_sunday(utc.year, 3) <= utc < _last_sunday(utc.year, 10)
    return utc + timedelta(hours=2 if is_summer else 1)


def _since_the_end(day, moment):
    """How long ``day`` was over at ``moment``."""
    return _in_amsterdam(moment) - datetime.strptime(_next(day), "%Y-%m-%d")


def _last_sunday(year, month):
    last = date(year, month, 31)
    sunday = last - timedelta(days=(last.weekday() + 1) % 7)
    return datetime(sunday.year, sunday.month, sunday.day, 1)


def _next(day):
    return (datetime.strptime(day, "%Y-%m-%d").date() + timedelta(days=1)).isoformat()


def _uuid(raw):
    text = raw.hex()
    return "-".join([text[:8], text[8:12], text[12:16], text[16:20], text[20:]])


def _hash(text):
    """32 bytes from 64 hexadecimal digits; what is none is no hash of anything."""
    return bytes.fromhex(text) if re.fullmatch("[0-9a-f]{64}", text) else b""


def _listed(days):
    """``days`` with those in a row as a range."""
    ranges = []
    for day in days:
        if ranges and _next(ranges[-1][1]) == day:
            ranges[-1][1] = day
        else:
            ranges.append([day, day])
    return ", ".join(first if first == last else f"{first} – {last}" for first, last in ranges)


# -- The tree of a day (RFC 9162, 2.1) -------------------------------------------------------------


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The root over leaves in their order, of which only the finished subtrees are held."""

    def __init__(self):
        self.count, self._subtrees = 0, []

    def add(self, leaf):
        self.count += 1
        size = 1
        while self._subtrees and self._subtrees[-1][0] == size:
            leaf = node(self._subtrees.pop()[1], leaf)
            size *= 2
        self._subtrees.append((size, leaf))

    def root(self):
        if not self._subtrees:
            return hashlib.sha256(b"").digest()
        result = self._subtrees[-1][1]
        for _size, left in reversed(self._subtrees[:-1]):
            result = node(left, result)
        return result


class Day(Tree):
    """The records of one day that are here: 48 bytes of each."""

    def __init__(self):
        super().__init__()
        self._rows = bytearray()

    def add(self, identifier, leaf):
        super().add(leaf)
        self._rows += identifier + leaf

    def __iter__(self):
        for start in range(0, len(self._rows), 48):
            yield bytes(self._rows[start : start + 16]), bytes(self._rows[start + 16 : start + 48])


def root_by_path(leaf, index, count, path):
    """The root to which ``path`` leads from the leaf at ``index`` of ``count``; None where it cannot."""
    if not 0 <= index < count:
        return None
    first, last, result = index, count - 1, leaf
    for step in path:
        sibling = _hash(step)
        if last == 0 or not sibling:
            return None
        if first % 2 or first == last:
            result = node(sibling, result)
            while first % 2 == 0 and first:
                first, last = first // 2, last // 2
        else:
            result = node(result, sibling)
        first, last = first // 2, last // 2
    return result.hex() if last == 0 else None


# -- Ed25519 (RFC 8032, 5.1): only the check of a signature, which needs no secret -----------------

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME
ROOT_OF_MINUS_ONE = pow(2, (PRIME - 1) // 4, PRIME)
BASE = bytes.fromhex("58" + "66" * 31)


def signature_is_valid(key, message, signature):
    """Whether ``signature`` of the bytes ``message`` was made with ``key``; both in base64."""
    try:
        public, signed = base64.b64decode(key, validate=True), base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    if len(public) != 32 or len(signed) != 64:
        return False
    point, commitment = _point(public), _point(signed[:32])
    scalar = int.from_bytes(signed[32:], "little")
    if point is None or commitment is None or scalar >= ORDER:
        return False
    challenge = int.from_bytes(hashlib.sha512(signed[:32] + public + message).digest(), "little") % ORDER
    return _same(_times(scalar, _point(BASE)), _sum(commitment, _times(challenge, point)))


def _point(encoded):
    """A point of the curve from its 32 bytes, as (X, Y, Z, T); None where they are none."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= PRIME:
        return None
    square = (y * y - 1) * pow(CURVE * y * y + 1, PRIME - 2, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * ROOT_OF_MINUS_ONE % PRIME
    if (x * x - square) % PRIME or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = PRIME - x
    return x, y, 1, x * y % PRIME


def _sum(first, second):
    a = (first[1] - first[0]) * (second[1] - second[0])
    b = (first[1] + first[0]) * (second[1] + second[0])
    c = 2 * first[3] * second[3] * CURVE
    d = 2 * first[2] * second[2]
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def _times(scalar, point):
    result = 0, 1, 1, 0
    while scalar:
        if scalar & 1:
            result = _sum(result, point)
        point = _sum(point, point)
        scalar >>= 1
    return result


def _same(first, second):
    return (first[0] * second[2] - second[0] * first[2]) % PRIME == 0 and (
        first[1] * second[2] - second[1] * first[2]
    ) % PRIME == 0


# -- The command -----------------------------------------------------------------------------------


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Checks an evidence bundle of consent records.")
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("bundle", nargs="?", default=here, help="directory or .zip; default: where this script lies")
    parser.add_argument("--nl", action="store_true", help="say it in Dutch")
    parser.add_argument("--expect", default="", metavar="SHA-256", help="a seal that you kept must be in the chain")
    parser.add_argument("--key", default="", help="the public key (base64) that the seals have to be signed with")
    options = parser.parse_args(arguments)
    report = Report(options.nl)
    reason = ""
    try:
        Check(open_bundle(options.bundle), report, options.expect, options.key).run()
    except CannotCheck as error:
        reason = str(error)
    except UNREADABLE as error:
        reason = report.say(
            "The bundle has another form: {} {}",
            "De bundel heeft een andere vorm: {} {}",
            type(error).__name__,
            error,
        )
    # Windows prints in a code page that lacks some of these characters.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
    if reason:
        report.known, report.unknown = [], []
    if text := report.text():
        print(text)
    if reason:
        print(report.say("COULD NOT CHECK: {}", "NIET TE CONTROLEREN: {}", _printable(reason)), file=sys.stderr)
        return 2
    verdict = (
        ("Not everything is right.", "Niet alles is in orde.")
        if report.wrong
        else (
            "All that can be checked is right.",
            "Alles wat te controleren is, is in orde.",
        )
    )
    print("\n" + report.say(*verdict))
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
