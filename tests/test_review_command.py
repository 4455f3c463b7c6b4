import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from policies.models import CookieVendor, ProcessingPurpose, Waiver
from policies.snapshot import compose
from tests.conftest import CONTENT

EXAMPLE = CONTENT.with_name("example.yaml")

pytestmark = pytest.mark.django_db


def run(*arguments):
    """The exit code, and what was written."""
    out = StringIO()
    try:
        call_command("review_policy", *map(str, arguments), stdout=out)
    except SystemExit as stop:
        return stop.code, out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def file(tmp_path):
    """``file("old", "new")`` → a copy of the complete example with that replaced."""

    def write(*replacements):
        text = EXAMPLE.read_text(encoding="utf-8")
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "content.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


ERROR = ("nl: Ze melden ons een lek binnen 24 uur.", "nl: Ze melden ons een lek binnen 48 uur.")
WARNING = ("over TLS 1.2 or 1.3", "over TLS 1.1 or 1.3"), ("via TLS 1.2 of 1.3", "via TLS 1.1 of 1.3")
WAIVER = """
waivers:
  - code: L3
    place: measures/agreements/explanation
    reason: {en: The Dutch contract says so., nl: Zo staat het in het Nederlandse contract.}
"""


def test_a_file_without_findings_passes():
    assert run(EXAMPLE, "--fail-on", "warning") == (0, "Errors: 0, waived: 0. Warnings: 0, waived: 0.\n")


def test_nothing_of_a_file_is_kept(content):
    before = compose()

    run(EXAMPLE)

    assert compose() == before
    assert not CookieVendor.objects.filter(slug="tellerij").exists()
    assert not ProcessingPurpose.history.filter(slug="cameras").exists()


def test_an_error_fails_and_is_told_at_its_place_with_its_source(file):
    code, told = run(file(ERROR))

    assert code == 1
    assert told.splitlines() == [
        "Errors",
        "",
        "  Security measures › Agreements with companies that work for us › explanation",
        "    L3  Numbers differ. Only in English: 24. Only in Dutch: 48.  [Art. 12(1) GDPR]",
        "",
        "Errors: 1, waived: 0. Warnings: 0, waived: 0.",
    ]


def test_a_warning_fails_only_where_that_was_asked(file):
    path = file(*WARNING)

    assert run(path)[0] == 0
    assert run(path, "--fail-on", "warning")[0] == 1
    assert "Warnings: 1" in run(path)[1]


def test_errors_come_before_warnings(file):
    told = run(file(ERROR, *WARNING))[1].splitlines()

    assert [line for line in told if line in {"Errors", "Warnings"}] == ["Errors", "Warnings"]


def test_a_finding_that_the_file_waives_is_marked_and_does_not_fail(file):
    code, told = run(file(ERROR, ("\nsections:\n", f"{WAIVER}\nsections:\n")))

    assert code == 0
    assert "        Waived: The Dutch contract says so." in told.splitlines()
    assert told.endswith("Errors: 1, waived: 1. Warnings: 0, waived: 0.\n")


def test_a_waiver_of_what_is_no_longer_found_is_told(file):
    code, told = run(file(("\nsections:\n", f"{WAIVER}\nsections:\n")))

    assert code == 0
    assert told.splitlines()[:3] == [
        "Waivers of what is no longer found",
        "",
        "  L3  Security measures › Agreements with companies that work for us › explanation",
    ]


def test_the_findings_are_told_in_dutch_too(file):
    told = run(file(ERROR), "--language", "nl")[1]

    assert "Overeenkomsten met bedrijven die voor ons werken" in told


def test_programs_get_both_languages_as_json(file):
    code, told = run(file(ERROR), "--format", "json")

    [finding] = json.loads(told)["findings"]
    assert code == 1
    assert finding["code"] == "L3"
    assert finding["severity"] == "error"
    assert finding["place"] == "measures/agreements/explanation"
    assert finding["sentence"].keys() == {"en", "nl"}
    assert finding["waiver"] is None


def test_a_file_that_cannot_be_loaded_is_told_with_its_lines(file):
    with pytest.raises(CommandError, match=r"content\.yaml, line \d+: .*cameraz") as refused:
        run(file(("- rule: images-28d", "- rule: cameraz")))
    assert refused.value.returncode == 2


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(CommandError, match="cannot be read") as refused:
        run(tmp_path / "nothing.yaml")
    assert refused.value.returncode == 2


def test_without_a_file_the_draft_is_reviewed(content):
    Waiver.objects.all().delete()

    code, told = run()

    assert code == 1
    assert "Fill in the postal address of the controller." in told


def test_the_first_customers_gaps_are_waived_one_by_one():
    code, told = run(CONTENT)

    assert code == 0
    assert "Waivers of what is no longer found" not in told


def test_a_file_is_compared_with_the_version_in_force(content, publish, tmp_path):
    publish()
    text = CONTENT.read_text(encoding="utf-8")
    path = tmp_path / "content.yaml"
    path.write_text(text.replace("nl: Contactverzoek afgehandeld", "nl: Verzoek afgehandeld"), encoding="utf-8")

    told = json.loads(run(path, "--format", "json")[1])["findings"]

    assert [finding["place"] for finding in told if finding["code"] == "L10"] == [
        "triggers/contact-request-satisfied/name"
    ]
