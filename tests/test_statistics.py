"""How visitors answered, read from the daily counts: sums, shares, bars, tables and a file."""

import csv
import io
import re
import xml.etree.ElementTree as ET
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from consent import statistics
from consent.chart import draw, grouped, percent, round_above
from consent.models import CountedUpTo, DailyCount
from consent.statistics import Jump, Period, Step, Tally, by, by_category, chosen, jumped, series, together
from policies.models import CookieCategory, Website
from tests.factories import CategoryFactory, WebsiteFactory

pytestmark = pytest.mark.django_db

MAY = date(2026, 5, 1)
PAGE = "/admin/consent/statistics/"
FILE = "/admin/consent/statistics.csv"


def add(
    day=MAY, *, accepted=0, refused=0, withdrawn=0, website="website", language="nl", category="", gpc=False, **more
):
    return DailyCount.objects.create(
        day=day,
        website=website,
        language=language,
        category=category,
        gpc=gpc,
        asked=accepted + refused + withdrawn,
        accepted=accepted,
        refused=refused,
        withdrawn=withdrawn,
        **more,
    )


def table(page, caption):
    """The rows of a table in ``page``, head and foot included, as lists of texts."""
    found = re.search(rf"<caption>{re.escape(caption)}</caption>(.*?)</table>", page, re.DOTALL)[1]
    return [re.findall(r"<t[hd][^>]*>([^<]*)<", row) for row in re.findall(r"<tr>(.*?)</tr>", found, re.DOTALL)]


# -- Sums ---------------------------------------------------------------------------------------


def test_the_consent_rate_is_the_share_of_the_accepted_among_those_who_accepted_or_refused():
    assert Tally(asked=10, accepted=3, refused=1, withdrawn=6).rate == 0.75
    assert Tally(asked=4, refused=4).rate == 0
    assert Tally(asked=6, withdrawn=6).rate is None
    assert Tally().rate is None


def test_a_period_of_days_ends_today():
    period = Period.of_days(7, MAY)

    assert (period.first, period.last, period.days) == (date(2026, 4, 25), MAY, 7)
    assert list(period) == [date(2026, 4, day) for day in range(25, 31)] + [MAY]


def test_a_series_has_a_step_for_each_day_also_without_answers():
    add(MAY, accepted=2, refused=1)
    add(MAY, accepted=1, language="en")
    add(MAY + timedelta(days=2), withdrawn=4)
    add(MAY, refused=9, category="marketing")
    period = Period(MAY, MAY + timedelta(days=3))

    steps = series(chosen(period), period)

    assert [(step.first, step.tally) for step in steps] == [
        (date(2026, 5, 1), Tally(asked=4, accepted=3, refused=1)),
        (date(2026, 5, 2), Tally()),
        (date(2026, 5, 3), Tally(asked=4, withdrawn=4)),
        (date(2026, 5, 4), Tally()),
    ]
    assert together(steps) == Tally(asked=8, accepted=3, refused=1, withdrawn=4)


def test_a_series_may_be_of_one_category_web_site_or_language():
    add(accepted=1, category="marketing")
    add(accepted=2, category="analytical")
    add(accepted=4, category="marketing", website="shop")
    add(accepted=8, category="marketing", language="en")
    period = Period(MAY, MAY)

    assert together(series(chosen(period), period, category="marketing")).accepted == 13
    assert together(series(chosen(period, website="shop"), period, category="marketing")).accepted == 4
    assert together(series(chosen(period, language="en"), period, category="marketing")).accepted == 8
    assert together(series(chosen(period), period)) == Tally()


def test_days_outside_the_period_do_not_count():
    for days in (-1, 0, 1, 2):
        add(MAY + timedelta(days=days), accepted=1)
    period = Period(MAY, MAY + timedelta(days=1))

    assert together(series(chosen(period), period)).accepted == 2


@pytest.mark.parametrize(
    ("days", "steps", "first", "second"),
    [
        (7, 7, (date(2026, 1, 1), date(2026, 1, 1)), (date(2026, 1, 2), date(2026, 1, 2))),
        (62, 62, (date(2026, 1, 1), date(2026, 1, 1)), (date(2026, 1, 2), date(2026, 1, 2))),
        # 1 January is a Thursday; weeks begin on Monday.
        (63, 10, (date(2026, 1, 1), date(2026, 1, 4)), (date(2026, 1, 5), date(2026, 1, 11))),
        (365, 53, (date(2026, 1, 1), date(2026, 1, 4)), (date(2026, 1, 5), date(2026, 1, 11))),
        (500, 17, (date(2026, 1, 1), date(2026, 1, 31)), (date(2026, 2, 1), date(2026, 2, 28))),
        (4000, 11, (date(2026, 1, 1), date(2026, 12, 31)), (date(2027, 1, 1), date(2027, 12, 31))),
    ],
)
def test_a_long_period_is_told_by_the_week_the_month_or_the_year(days, steps, first, second):
    period = Period(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=days - 1))
    add(period.first, accepted=1)
    add(period.last, accepted=2)

    found = series(chosen(period), period)

    assert len(found) == steps
    assert [(step.first, step.last) for step in found[:2]] == [first, second]
    assert found[-1].last == period.last
    assert together(found).accepted == 3


@pytest.mark.parametrize("days", [*range(1, 500, 7), 1000, 1736, 1737, 4000, 14000])
def test_there_are_never_more_bars_than_can_be_told_apart(days):
    period = Period(MAY, MAY + timedelta(days=days - 1))

    assert 1 <= len(series(chosen(period), period)) <= 63


def test_what_answers_have_in_common_is_told_by_category_and_by_where_they_came_from():
    add(accepted=1, website="website", language="nl", gpc=True, once=3)
    add(refused=2, website="shop", language="en")
    add(accepted=4, category="marketing")
    rows = chosen(Period(MAY, MAY))

    assert by_category(rows) == {"marketing": Tally(asked=4, accepted=4)}
    one, two = Tally(asked=1, accepted=1, once=3), Tally(asked=2, refused=2)
    assert by("website", rows) == {"website": one, "shop": two}
    assert by("language", rows) == {"nl": one, "en": two}
    assert by("gpc", rows) == {True: one, False: two}


# -- What changed suddenly ----------------------------------------------------------------------


def answered(usual, recent, *, today=MAY, category="marketing", website="website"):
    """``usual`` and ``recent``: how many accepted and refused in those days."""
    for (accepted, refused), ago in ((usual, 8), (recent, 1)):
        add(today - timedelta(days=ago), accepted=accepted, refused=refused, category=category, website=website)


@pytest.mark.parametrize(
    ("usual", "recent", "jump"),
    [
        ((50, 50), (60, 40), (0.5, 0.6)),
        ((70, 30), (60, 40), (0.7, 0.6)),
        ((500, 500), (59, 41), None),
        ((50, 49), (60, 40), None),
        ((50, 50), (90, 9), None),
        ((50, 50), (100, 0), (0.5, 1)),
        ((100, 0), (0, 100), (1, 0)),
        ((50, 50), (50, 50), None),
    ],
)
def test_a_consent_rate_jumped_if_it_differs_by_ten_points_and_enough_people_answered(usual, recent, jump):
    answered(usual, recent)

    assert jumped(MAY) == ([Jump("website", "marketing", *jump)] if jump else [])


def test_a_jump_is_told_per_web_site_and_category():
    answered((50, 50), (90, 10), website="shop")
    answered((50, 50), (90, 10), category="analytical")
    answered((50, 50), (50, 50), category="marketing")

    assert [(jump.website, jump.category) for jump in jumped(MAY)] == [("shop", "marketing"), ("website", "analytical")]


@pytest.mark.parametrize(
    ("ago", "is_recent", "is_usual"),
    [(0, False, False), (1, True, False), (7, True, False), (8, False, True), (35, False, True), (36, False, False)],
)
def test_seven_full_days_stand_beside_the_twenty_eight_before_them(ago, is_recent, is_usual):
    day = MAY - timedelta(days=ago)
    add(day, accepted=1000, category="marketing")

    # Beside refusals of the other time, the answers of ``day`` tell whether they count.
    add(MAY - timedelta(days=20), refused=1000, category="marketing", language="en")
    assert bool(jumped(MAY)) is is_recent

    DailyCount.objects.filter(language="en").delete()
    add(MAY - timedelta(days=3), refused=1000, category="marketing", language="en")
    assert bool(jumped(MAY)) is is_usual


def test_withdrawals_and_choices_about_a_web_site_are_no_jump():
    answered((50, 50), (90, 10), category="")
    answered((50, 50), (50, 50))
    add(MAY - timedelta(days=1), withdrawn=1000, category="marketing", language="en")

    assert jumped(MAY) == []


# -- Bars ---------------------------------------------------------------------------------------


def steps_of(*tallies):
    return [Step(MAY + timedelta(days=n), MAY + timedelta(days=n), tally) for n, tally in enumerate(tallies)]


@pytest.mark.parametrize(
    ("number", "top"), [(0, 2), (1, 2), (2, 2), (3, 4), (7, 8), (9, 10), (10, 10), (41, 50), (80, 80), (4321, 5000)]
)
def test_the_scale_ends_on_a_round_number_with_a_whole_half(number, top):
    assert round_above(number) == top


def test_the_pieces_of_a_bar_stand_on_each_other_and_are_as_high_as_they_count():
    chart = draw(
        steps_of(Tally(asked=4, accepted=2, refused=1, withdrawn=1), Tally(asked=2, refused=2)), title="", height=238
    )

    first, second = chart.bars
    assert [(piece.kind, piece.y, piece.height) for piece in first.pieces] == [
        ("accepted", 112, 100),
        ("refused", 62, 50),
        ("withdrawn", 12, 50),
    ]
    assert [(piece.kind, piece.y, piece.height) for piece in second.pieces] == [("refused", 112, 100)]
    assert [(line.y, line.number) for line in chart.lines] == [(212, 0), (112, 2), (12, 4)]
    assert first.x + first.width < second.x


@pytest.mark.parametrize("number", [1, 2, 7, 8, 30, 53, 62])
def test_every_bar_has_its_place_and_few_have_a_label(number):
    chart = draw(steps_of(*[Tally(asked=1, accepted=1)] * number), title="", height=200)

    assert len(chart.bars) == number
    assert all(chart.start <= bar.x and bar.x + bar.width <= chart.end for bar in chart.bars)
    assert 1 <= sum(bool(bar.label) for bar in chart.bars) <= 7
    assert chart.bars[0].label == "1 May"


def test_who_cannot_see_the_bars_is_told_what_they_show():
    chart = draw(
        steps_of(Tally(asked=1, refused=1), Tally(asked=1500, accepted=1000, withdrawn=500)), title="", height=200
    )

    assert chart.description == (
        "From 1 May 2026 to 2 May 2026: choices: 1,501, accepted: 1,000, refused: 1, withdrawn: 500. "
        "Most of them: 1,500 (2 May 2026)."
    )
    assert draw(steps_of(Tally()), title="", height=200).description == "No choices from 1 May 2026 to 1 May 2026."
    assert chart.bars[0].tip == "1 May 2026: choices: 1, accepted: 0, refused: 1, withdrawn: 0"


def test_a_bar_of_several_days_says_so():
    weeks = [
        Step(MAY, MAY + timedelta(days=2), Tally()),
        Step(MAY + timedelta(days=3), MAY + timedelta(days=9), Tally()),
    ]

    assert draw(weeks, title="", height=200).note.startswith("A bar is more than a day")
    assert draw(steps_of(Tally()), title="", height=200).note == ""


@pytest.mark.parametrize(("language", "number", "share"), [("en", "1,234,567", "62.5%"), ("nl", "1.234.567", "62,5%")])
def test_numbers_are_written_as_the_language_writes_them(language, number, share):
    with translation.override(language):
        assert grouped(1234567) == number
        assert percent(0.625) == share
    assert percent(None) == "–"


# -- The page -----------------------------------------------------------------------------------


@pytest.fixture
def today():
    return timezone.localdate()


@pytest.fixture
def auditor(client, staff):
    client.force_login(staff("auditor"))
    return client


@pytest.mark.parametrize("url", [PAGE, FILE])
@pytest.mark.parametrize(("group", "status"), [("auditor", 200), ("editor", 200), ("publisher", 200), (None, 403)])
def test_every_group_sees_statistics_and_who_is_in_none_does_not(client, staff, django_user_model, url, group, status):
    """They are of no person, and editors see by them what their texts do."""
    client.force_login(staff(group) if group else django_user_model.objects.create_user("zoe", is_staff=True))

    assert client.get(url).status_code == status


@pytest.mark.parametrize("url", [PAGE, FILE])
def test_visitors_are_asked_to_sign_in(client, url):
    response = client.get(url)

    assert response.status_code == 302
    assert response.url.startswith(reverse("admin:login"))


@pytest.mark.parametrize("url", [PAGE, FILE])
def test_statistics_are_only_read(auditor, url):
    assert auditor.post(url).status_code == 405


def test_the_page_tells_the_same_in_bars_and_in_a_table(auditor, today):
    add(today, accepted=30, refused=10, withdrawn=2, customised=5)
    add(today - timedelta(days=1), refused=60)

    page = auditor.get(PAGE, {"days": 7}).text

    svg = ET.fromstring(re.search(r"<svg class=\"desk-chart__bars\".*?</svg>", page, re.DOTALL)[0])  # noqa: S314 - ours
    assert svg.get("role") == "img"
    named = svg.get("aria-labelledby").split()
    assert [element.tag for element in svg if element.get("id") in named] == ["title", "desc"]
    bars = [[piece.get("class").split("--")[1] for piece in bar.iter("rect")] for bar in svg.iter("g")]
    assert bars == [[], [], [], [], [], ["refused"], ["accepted", "refused", "withdrawn"]]
    heights = [[float(piece.get("height")) for piece in bar.iter("rect")] for bar in svg.iter("g")][-2:]
    assert heights[0][0] / sum(heights[1]) == pytest.approx(60 / 42, abs=0.01)
    title = svg.find("title").text
    rows = table(page, title)
    assert rows[0] == ["Days", "Choices", "Accepted", "Refused", "Withdrawn", "One by one", "Consent rate"]
    assert len(rows) == 9
    assert rows[-2][1:] == ["42", "30", "10", "2", "5", "75.0%"]
    assert rows[-1] == ["Together", "102", "30", "70", "2", "5", "30.0%"]


def test_the_page_has_a_table_for_all_that_answers_have_in_common(auditor, today):
    WebsiteFactory(slug="website", name_en="Company website")
    CategoryFactory(slug="marketing", name_en="Advertisements")
    add(today, accepted=3, refused=1, once=7)
    add(today, accepted=1, website="gone", language="en", gpc=True)
    add(today, accepted=1, refused=3, category="marketing")

    page = auditor.get(PAGE).text

    assert table(page, "By category")[1:] == [["Advertisements", "4", "1", "3", "0", "0", "25.0%"]]
    assert table(page, "By web site")[1:] == [
        ["gone", "1", "1", "0", "0", "0", "0", "100.0%"],
        ["Company website", "4", "3", "1", "0", "0", "7", "75.0%"],
    ]
    assert [row[0] for row in table(page, "By language")[1:]] == ["English", "Dutch"]
    assert [row[:2] for row in table(page, "By signal")[1:]] == [
        ["No signal", "4"],
        ["Global Privacy Control sent", "1"],
    ]


def test_tables_are_made_for_screen_readers(auditor, today):
    add(today, accepted=1)

    page = auditor.get(PAGE).text

    assert page.count("<table") - page.count('<table class="desk-figures"') == page.count("<caption>\n")
    figures = re.findall(r'<table class="desk-figures">(.*?)</table>', page, re.DOTALL)
    assert len(figures) == 5
    for figure in figures:
        assert figure.lstrip().startswith("<caption>")
        assert "<th>" not in figure
        assert len(re.findall('<th scope="row">', figure)) == len(re.findall("<tr>", figure)) - 1


def test_a_category_can_be_shown_by_itself(auditor, today):
    CategoryFactory(slug="marketing", name_en="Advertisements")
    add(today, accepted=9)
    add(today, accepted=1, refused=3, category="marketing")

    context = auditor.get(PAGE, {"category": "marketing"}).context

    assert context["total"] == Tally(asked=4, accepted=1, refused=3)
    assert context["chart"].title.startswith("Answers about “Advertisements” from ")


def test_days_web_site_and_language_are_chosen(auditor):
    add(MAY, accepted=1)
    add(MAY, accepted=2, website="shop")
    add(MAY, accepted=4, language="en")
    add(MAY + timedelta(days=9), accepted=8)
    days = {"since": "2026-05-01", "until": "2026-05-09"}

    def accepted(**more):
        return auditor.get(PAGE, days | more).context["total"].accepted

    assert [accepted(), accepted(website="shop"), accepted(language="en"), accepted(until="2026-05-10")] == [
        7,
        2,
        4,
        15,
    ]


@pytest.mark.parametrize(("days", "bars"), [("7", 7), ("30", 30), ("90", (13, 14)), ("365", (53, 54))])
def test_the_usual_periods_are_a_button_away_and_end_today(auditor, today, days, bars):
    response = auditor.get(PAGE, {"days": days})

    assert response.context["period"] == Period.of_days(int(days), today)
    assert len(response.context["chart"].bars) in (bars if isinstance(bars, tuple) else (bars,))
    assert f'<button name="days" value="{days}" aria-current="true">' in response.text
    assert len(re.findall(r'<button name="days"[^>]*aria-current', response.text)) == 1


def test_without_a_wish_the_last_thirty_days_are_shown(auditor, today):
    assert auditor.get(PAGE).context["period"] == Period.of_days(30, today)


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"since": "2026-05-09", "until": "2026-05-01"}, "The last day lies before the first."),
        ({"since": "1900-01-01", "until": "2026-05-01"}, "That is too long a period."),
        ({"since": "2026-05-09"}, "This field is required."),
        ({"since": "yesterday", "until": "2026-05-01"}, "Enter a valid date."),
        ({"website": "no-such"}, "Select a valid choice."),
        ({"category": "<script>"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_shown_is_said_and_what_is_usual_is_shown(auditor, today, wish, sentence):
    response = auditor.get(PAGE, wish)

    assert response.status_code == 200
    assert sentence in response.text
    assert response.context["period"] == Period.of_days(30, today)
    assert "<script>" not in response.text.replace("<script src", "")


def test_the_page_says_what_is_not_counted_and_up_to_when_is_counted(auditor):
    assert "Nothing has been counted yet." in auditor.get(PAGE).text

    CountedUpTo.objects.create(id=1, moment="2026-05-01T10:30Z")

    page = auditor.get(PAGE).text
    assert "Counted up to 1 May 2026, 12:30." in page
    assert "Not counted is who leaves a banner without an answer" in page


def test_names_that_staff_typed_cannot_break_out_of_the_page(auditor, today):
    Website.objects.create(slug="website", name_en="<b>&", name_nl="<b>&")
    CookieCategory.objects.create(slug="marketing", name_en='"><i>', name_nl='"><i>')
    add(today, accepted=1)
    add(today, accepted=1, category="marketing")

    page = auditor.get(PAGE, {"category": "marketing"}).text

    assert "&lt;b&gt;&amp;" in page
    assert "<b>" not in page
    assert "<i>" not in page


def test_the_page_asks_for_counts_only_however_many_there_are(auditor, today):
    def queries():
        with CaptureQueriesContext(connection) as found:
            assert auditor.get(PAGE, {"days": 365}).status_code == 200
        return [query["sql"] for query in found]

    add(today, accepted=1)
    add(today, accepted=1, category="marketing")
    queries()
    few = queries()
    for days in range(40):
        for website in ("website", "shop", "forum"):
            for category in ("", "marketing", "analytical"):
                add(today - timedelta(days=days), accepted=1, website=website, category=category, language="en")
    many = queries()

    assert len(many) == len(few) <= 16
    assert not [sql for sql in many if "consent_consentrecord" in sql]
    assert [sql for sql in many if "consent_dailycount" in sql]


# -- The file -----------------------------------------------------------------------------------


def lines(response):
    text = response.getvalue().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=";"))


def test_the_file_has_a_line_for_each_count_of_the_page(auditor):
    add(MAY, accepted=30, refused=10, withdrawn=2, customised=5, once=1)
    add(MAY, refused=3, category="marketing", gpc=True)
    add(MAY + timedelta(days=1), accepted=1)

    response = auditor.get(FILE, {"since": "2026-05-01", "until": "2026-05-01"})

    assert lines(response) == [
        ["Day", "Web site", "Language", "Category", "Global Privacy Control", "Asked",
         "Accepted", "Refused", "Withdrawn", "Customised", "Allowed once"],
        ["2026-05-01", "website", "nl", "", "No", "42", "30", "10", "2", "5", "1"],
        ["2026-05-01", "website", "nl", "marketing", "Yes", "3", "0", "3", "0", "0", "0"],
    ]  # fmt: skip
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="consent-2026-05-01-2026-05-01.csv"'
    assert "no-store" in response["Cache-Control"]


def test_the_file_is_as_narrow_as_the_page(auditor):
    add(MAY, accepted=1)
    add(MAY, accepted=2, website="shop")
    days = {"since": "2026-05-01", "until": "2026-05-01"}

    assert len(lines(auditor.get(FILE, days))) == 3
    assert [line[1] for line in lines(auditor.get(FILE, days | {"website": "shop"}))[1:]] == ["shop"]


def test_no_cell_of_the_file_runs_as_a_formula(auditor):
    add(MAY, accepted=1, website="=HYPERLINK(1)", category="@x")

    row = lines(auditor.get(FILE, {"since": "2026-05-01", "until": "2026-05-01"}))[1]

    assert row[1:4] == ["'=HYPERLINK(1)", "nl", "'@x"]


def test_days_that_are_none_make_no_file(auditor):
    response = auditor.get(FILE, {"since": "2026-05-02", "until": "2026-05-01"})

    assert response.status_code == 400


def test_the_periods_that_are_offered_are_all_drawn_with_few_bars():
    for days in statistics.PERIODS:
        period = Period.of_days(days, MAY)
        assert len(series(chosen(period), period)) <= 54
