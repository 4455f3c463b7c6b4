"""The outcome of verifying in words: what was found, what it proves, and what it cannot prove.

Sentences are in the language that is active: English in a terminal, either at the desk.
"""

from datetime import date

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .verifying import Fault, Report

FAULTS = {
    "changed": gettext_lazy("Record %(subject)s of %(day)s was changed after the day was sealed."),
    "missing": gettext_lazy("Record %(subject)s of %(day)s is missing, and no erasure covers it."),
    "moved": gettext_lazy("Record %(subject)s arrived on %(day)s when that day was sealed; now it says otherwise."),
    "inserted": gettext_lazy("Record %(subject)s was put among those of %(day)s later: it was not sealed with them."),
    "root": gettext_lazy("The records of %(day)s do not lead to the hash that stands in the seal of that day."),
    "leaves": gettext_lazy("The leaves of %(day)s were changed: they do not lead to the hash in the seal."),
    "leaves-gone": gettext_lazy("The leaves of %(day)s are gone, and no erasure covers that day."),
    "unknown": gettext_lazy(
        "The records of %(day)s are not those that were sealed. Without its leaves nobody can say which differ."
    ),
    "seal": gettext_lazy("The seal of %(day)s was changed: its content does not have the digest that it bears."),
    "chain": gettext_lazy("The seal of %(day)s does not follow the seal before it: one of the two was replaced."),
    "beginning": gettext_lazy("The chain begins with %(day)s, but that seal follows another: those before are gone."),
    "anchor": gettext_lazy(
        "The seals up to %(day)s were erased, but the chain does not go on after them: seals are missing or were put "
        "there."
    ),
    "day": gettext_lazy("The seal of %(day)s is missing, though later days have one."),
    "signature": gettext_lazy("The seal of %(day)s was not signed with the key that it names."),
    "unsigned": gettext_lazy("The seal of %(day)s is not signed, though the one before it is."),
    "key": gettext_lazy("The seal of %(day)s is not signed with a key that you gave."),
    "expected": gettext_lazy(
        "No seal or version has the digest %(subject)s that you kept: they are others than they were."
    ),
    "expected-or-erased": gettext_lazy(
        "No seal or version has the digest %(subject)s that you kept. If it is that of a seal that was erased since, "
        "nothing can be said of it; if not, they are others than they were."
    ),
    "version": gettext_lazy("The document of version %(subject)s was changed: it does not have the digest it bears."),
    "version-chain": gettext_lazy("Version %(subject)s does not follow the version before it."),
    "version-missing": gettext_lazy("Version %(subject)s is missing."),
    "version-beside": gettext_lazy(
        "What stands beside the document of version %(subject)s (number, moment, what changed) differs from it."
    ),
    "review": gettext_lazy("The review of version %(subject)s is not the one that was published with it."),
    "pdf": gettext_lazy("The PDF of version %(subject)s was changed."),
    "pdf-missing": gettext_lazy("The PDF of version %(subject)s is missing."),
    "banner": gettext_lazy("The banner %(subject)s was changed."),
    "banner-version": gettext_lazy("The banner %(subject)s belongs to another version than its records say."),
    "banner-website": gettext_lazy("The banner %(subject)s belongs to another web site than its records say."),
    "banner-missing": gettext_lazy("The banner %(subject)s is missing, though records point to it."),
}


def in_words(fault: Fault) -> str:
    return FAULTS[fault.kind] % {"subject": fault.subject, "day": _day(fault.day) if fault.day else ""}


def checked(report: Report) -> list[str]:
    """What was looked at, a sentence each."""
    if report.first and report.newest:
        sentences = [
            _("Seals: %(number)s, from %(first)s to %(last)s. The newest has the digest %(digest)s.")
            % {
                "number": _number(report.seals),
                "first": _day(report.first.day),
                "last": _day(report.newest.day),
                "digest": report.newest.digest,
            },
            _("Records, each against the seal of its day: %(records)s. Days: %(days)s.")
            % {"records": _number(report.records), "days": _number(report.days)},
        ]
    else:
        sentences = [_("No day has been sealed yet.")]
    for (rule, wording), erased in report.erased.items():
        said = ngettext(
            "%(number)s record was erased under rule %(rule)s (%(wording)s). Days: %(days)s.",
            "%(number)s records were erased under rule %(rule)s (%(wording)s). Days: %(days)s.",
            erased.records,
        )
        told = {"number": _number(erased.records), "days": _number(erased.days)}
        sentences.append(said % (told | {"rule": rule, "wording": wording}))
    for (rule, wording), gone in report.erased_seals.items():
        said = ngettext(
            "%(number)s seal was erased under rule %(rule)s (%(wording)s), of days up to %(last)s. The chain goes on "
            "from there.",
            "%(number)s seals were erased under rule %(rule)s (%(wording)s), of days up to %(last)s. The chain goes on "
            "from there.",
            gone.seals,
        )
        told = {"number": _number(gone.seals), "last": _day(gone.last)}
        sentences.append(said % (told | {"rule": rule, "wording": wording}))
    for key, span in report.keys.items():
        told = {"number": _number(span.seals), "first": _day(span.first), "last": _day(span.last), "key": key}
        if key:
            sentences.append(
                _("Signed with the key %(key)s: the seals from %(first)s to %(last)s (%(number)s).") % told
            )
        else:
            sentences.append(_("Not signed: the seals from %(first)s to %(last)s (%(number)s).") % told)
    if report.late:
        first, last = report.late
        sentences.append(
            _(
                "Sealed only long after their end: days from %(first)s to %(last)s, the last of these on %(moment)s. "
                "Either nothing sealed for a while, or they were sealed anew."
            )
            % {
                "first": _day(first.day),
                "last": _day(last.day),
                "moment": date_format(timezone.localtime(last.sealed_at), "DATETIME_FORMAT"),
            }
        )
    sentences.append(
        _("Versions of the statement: %(versions)s; their PDFs: %(pdfs)s; banners: %(banners)s.")
        % {name: _number(getattr(report, name)) for name in ("versions", "pdfs", "banners")}
    )
    return sentences


def outcome(report: Report) -> str:
    """The one sentence that everybody reads."""
    number = len(report.faults) + report.unnamed
    if number:
        return ngettext("Not intact: %(number)s fault.", "Not intact: %(number)s faults.", number) % {
            "number": _number(number)
        }
    if report.unsealed:
        return _("Not all could be checked: the days from %(first)s to %(last)s are over and were never sealed.") % {
            "first": _day(report.unsealed[0]),
            "last": _day(report.unsealed[1]),
        }
    return _("Intact: everything is as it was sealed and published.")


def proves(report: Report) -> list[str]:
    """What an intact outcome shows."""
    sentences = [
        _("No statement, PDF or banner differs from its digest, and no version is missing up to the last."),
    ]
    if report.days:
        sentences.insert(
            0,
            _(
                "Since these days were sealed, no record of theirs was changed, removed or added, except for what was "
                "erased under the rules named. Of what was erased, the number is known and no content."
            ),
        )
    return sentences


def does_not_prove(report: Report) -> list[str]:
    """What it leaves open, intact or not."""
    sentences = [
        _(
            "Who controls the database can make all seals and versions anew. That is found only against a digest "
            "that was kept elsewhere; of the seals also by their signature, if they neither have its key nor can let "
            "our scheduler sign, and even then each seal bears the moment at which it was made."
        ),
        _("What says under which rule records were erased is as trustworthy as who controls the database."),
        _(
            "A PDF is only as good as the digest beside it, because it prints the digest of its version and so cannot "
            "be in it. The same goes for what stands beside a banner, such as when it was first served."
        ),
        _("The last versions could be taken away with their records; a receipt that a visitor kept would show it."),
        _("Nothing here says who chose, whether our clock was right, or what never reached us."),
    ]
    if report.erased_seals:
        sentences.insert(
            0,
            _(
                "Of the days whose seals were erased nothing is left to check. What says under which rule they went, "
                "and what the chain goes on from, is as trustworthy as who controls the database."
            ),
        )
    if report.newest:
        sentences.insert(
            0,
            _("Records that arrived after %(day)s are not sealed yet: of them it says nothing.")
            % {"day": _day(report.newest.day)},
        )
    return sentences


def _number(number: int) -> str:
    return number_format(number, force_grouping=True)


def _day(day: date) -> str:
    return date_format(day, "DATE_FORMAT")
