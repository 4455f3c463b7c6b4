"""The desk's page on which promises are kept, for who answers for them."""

from dataclasses import dataclass

from django.contrib.auth.decorators import permission_required
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise as LazyText
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from .coverage import WORDS, Covered, Keeping, State, look
from .models import DeclaredTarget

PERMISSION = "retention.view_retentionrun"


@dataclass(frozen=True)
class Way:
    """What to do, and the page for it where there is one for this person."""

    sentence: str
    url: str = ""


@dataclass(frozen=True)
class Line:
    """A promise and one of the targets that keep it; or none, and ``keeping`` is None."""

    covered: Covered
    keeping: Keeping | None
    state: State
    ways: tuple[Way, ...]
    url: str

    @property
    def title(self) -> str:
        return self.covered.promise.title[_language()]

    @property
    def wording(self) -> str:
        """The promise as visitors read it, with the case in which it applies."""
        promise = self.covered.promise
        said, case = promise.wording[_language()], promise.applies_when[_language()]
        return f"{said}, {case}" if case else said

    @property
    def word(self) -> str:
        return capfirst(str(WORDS[self.state]))


@permission_required(PERMISSION, raise_exception=True)
@require_safe
def page(request, *, admin_site):
    """Every promise of the statement in force, and what keeps it."""
    found = look(timezone.now())
    desk = _Desk(request.user)
    context = {
        **admin_site.each_context(request),
        "title": _("Coverage"),
        "coverage": found,
        "lines": [line for covered in found.promises for line in desk.lines(covered)],
        "numbers": [(capfirst(str(WORDS[state])), number) for state, number in found.numbers.items() if number],
        "astray": [(lost, desk.target(lost.target)) for lost in found.astray],
    }
    return TemplateResponse(request, "admin/retention/coverage.html", context)


class _Desk:
    """What leads whom where."""

    def __init__(self, user):
        self.user = user
        self.declared = dict(DeclaredTarget.objects.values_list("slug", "pk"))

    def lines(self, covered):
        if not covered.keepings:
            return [Line(covered, None, covered.state, self.without_target(covered), "")]
        return [
            Line(covered, keeping, keeping.state, self.ways(keeping), self.target(keeping.target))
            for keeping in covered.keepings
        ]

    def target(self, slug):
        """The page of a declared target; nothing for what is registered in code."""
        if slug not in self.declared or not self.user.has_perm("retention.view_declaredtarget"):
            return ""
        return reverse("admin:retention_declaredtarget_change", args=[self.declared[slug]])

    def without_target(self, covered):
        if covered.state == State.NOT_STATED:
            return (Way(_("State a period in the draft, and publish it. Until then nothing can be enforced.")),)
        purpose, rule = covered.promise.key
        ways = [Way(_("Switch on “%(target)s”.") % {"target": slug}, self.target(slug)) for slug in covered.waiting]
        url = ""
        if self.user.has_perm("retention.add_declaredtarget"):
            url = reverse("admin:retention_declaredtarget_add", query={"purpose": purpose, "rule": rule})
        return (*ways, Way(_("Say in which table this data is."), url))

    def ways(self, keeping):
        """What to do about how the target keeps its promise; nothing where it does."""
        run = reverse("admin:retention_retentionrun_change", args=[keeping.last.pk]) if keeping.last else ""
        sentences: dict[State, tuple[str | LazyText, str]] = {
            State.NEVER_RUN: (_("It runs tonight for the first time."), ""),
            State.NOT_STATED: (
                _("State a period in the draft, and publish it. Until then nothing can be enforced."),
                "",
            ),
            State.OVERDUE: (
                _("The next run goes on. If the number stays, ask the administrator whether the scheduler runs."),
                run,
            ),
            State.FAILED: (_("Solve what it says; the next run tries again."), run),
            State.UNREACHABLE: (_("Ask the administrator whether this database can be reached."), ""),
        }
        if keeping.state not in sentences:
            return ()
        sentence, url = sentences[keeping.state]
        return (Way(str(sentence), url),)


def _language():
    return get_language() or "en"
