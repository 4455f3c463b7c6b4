"""Tables of other databases: what is due there, that it goes, and that nothing else does."""

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pymysql
import pytest
from django.db import Error, OperationalError, connections, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as at_most
from hypothesis import strategies as st

from retention.models import ColumnTreatment, DeclaredTarget, EarlyEnd
from retention.moments import begins
from retention.table_target import TableTarget
from retention.targets import Census, Due, NotEnforceable

from . import foreign as others
from . import mariadb_server
from .foreign import ALIAS

TODAY = date(2026, 11, 23)
CUT_OFF = date(2025, 1, 1)


def due(before=CUT_OFF, early=None, action="erase", held=()):
    early = {trigger: begins(day) for trigger, day in (early or {}).items()}
    moment = before if isinstance(before, datetime) else begins(before)
    return Due(TODAY, moment, early, action, frozenset(held))


def target(early=(), treatments=(), **changes):
    declared = DeclaredTarget(
        **{
            "slug": "applicants",
            "name": "Applicants",
            "purpose": "recruitment",
            "rule": "applicants",
            "connection": ALIAS,
            "table": "people",
            "key_column": "id",
            "trigger_column": "" if "trigger_query" in changes else "closed",
        }
        | changes
    )
    return TableTarget(
        declared,
        [EarlyEnd(trigger=trigger, column=column) for trigger, column in early],
        [ColumnTreatment(column=c, treatment=t, detail=d) for c, t, d in treatments],
    )


def enforce(table, what, size=100):
    """All of it, as a run does; how many rows were touched."""
    done = 0
    for batch in table.batches(what, size):
        assert len(batch) <= size
        with transaction.atomic(using=ALIAS):
            result = table.enforce(batch, what)
        done += result.erased + result.anonymised
    return done


@pytest.fixture
def people(foreign):
    foreign.run(
        "CREATE TABLE people (id {serial}, name varchar(40) NOT NULL, closed date, withdrawn date, held integer)"
    )
    foreign.insert(
        "people",
        (1, "Anna", date(2019, 3, 3), None, 0),
        (2, "Bram", date(2024, 12, 31), None, None),
        (3, "Carla", date(2025, 1, 1), None, 0),
        (4, "Dirk", None, None, 0),
        (5, "Els", date(2031, 1, 1), None, 0),
        (6, "Frits", date(2026, 1, 1), date(2026, 2, 2), 0),
        (7, "Greet", date(2018, 1, 1), None, 1),
    )
    return foreign


def ids(database):
    return database.column("SELECT id FROM people ORDER BY id")


# -- What is due ------------------------------------------------------------------------------------


def test_what_began_before_the_cut_off_is_counted_and_nothing_is_touched(people):
    census = target(hold_column="held").census(due())

    assert census == Census(total=7, due=2, held=1, undated=1, future=1, oldest=begins(date(2019, 3, 3)))
    assert len(ids(people)) == 7


def test_what_is_due_is_erased_and_the_rest_stays(people):
    table = target()
    table.check(due())

    assert enforce(table, due()) == 3
    assert ids(people) == [3, 4, 5, 6]
    assert enforce(table, due()) == 0


@pytest.mark.parametrize("size", [1, 2, 3])
def test_portions_of_any_size_take_everything_and_nothing_twice(people, size):
    batches = list(target().batches(due(), size))

    assert sorted(key for batch in batches for key in batch) == [1, 2, 7]
    assert [len(batch) for batch in batches][:-1] == [size] * (len(batches) - 1)


def test_equal_dates_do_not_get_lost_between_portions(foreign):
    foreign.run("CREATE TABLE people (id {serial}, closed date)")
    foreign.insert("people", *((number, date(2020, 1, 1)) for number in range(1, 8)))

    assert enforce(target(), due(), size=3) == 7


def test_an_event_that_ends_the_period_early_makes_due_too(people):
    table = target(early=[("withdrawn", "withdrawn")])

    assert table.census(due(early={"withdrawn": date(2026, 3, 1)})).due == 4
    assert enforce(table, due(early={"withdrawn": date(2026, 3, 1)})) == 4
    assert ids(people) == [3, 4, 5]


@pytest.mark.parametrize("early", [{}, {"withdrawn": date(2026, 2, 2)}])
def test_an_early_end_that_has_no_effect_or_has_yet_to_come_makes_nothing_due(people, early):
    assert enforce(target(early=[("withdrawn", "withdrawn")]), due(early=early)) == 3
    assert 6 in ids(people)


def test_a_row_that_was_changed_after_it_was_found_stays(people):
    table = target()
    (batch,) = table.batches(due(), 100)
    with transaction.atomic(using=ALIAS):
        if people.vendor == "sqlite":
            people.run("PRAGMA query_only = OFF")
        people.run("UPDATE people SET closed = '2026-01-01' WHERE id = 1")

    with transaction.atomic(using=ALIAS):
        assert table.enforce(batch, due()).erased == 2
    assert 1 in ids(people)


def test_only_the_rows_that_the_condition_selects_are_of_the_target(people):
    table = target(condition="name LIKE '%r%' OR name = 'Els'")
    table.check(due())

    assert table.census(due()).total == 6  # LIKE of MySQL and SQLite has no capitals, and there is none here
    assert enforce(table, due()) == 2
    assert 1 in ids(people)


def test_a_condition_that_says_neither_yes_nor_no_of_a_row_leaves_it_alone(people):
    table = target(condition="held = 0")

    assert enforce(table, due()) == 1
    assert 2 in ids(people)


# -- Holds ------------------------------------------------------------------------------------------


def test_rows_under_hold_stay_whether_the_table_or_the_desk_says_so(people):
    table = target(hold_column="held")

    assert table.census(due(held={"1"})) == Census(7, 1, 2, 1, 1, begins(date(2024, 12, 31)))
    assert enforce(table, due(held={"1"})) == 1
    assert ids(people) == [1, 3, 4, 5, 6, 7]


def test_a_hold_that_comes_after_the_row_was_found_holds_it(people):
    table = target()
    (batch,) = table.batches(due(), 100)

    with transaction.atomic(using=ALIAS):
        table.enforce(batch, due(held={"7"}))

    assert 7 in ids(people)


@pytest.mark.parametrize("copied", ["0190B5F2-7A7A-7000-8000-00000000ABCD", "0190b5f27a7a7000800000000000abcd "])
def test_a_key_is_held_however_it_was_copied(foreign, copied):
    key = "0190b5f2-7a7a-7000-8000-00000000abcd"
    kind = {"postgresql": "uuid", "mysql": "char(36)", "sqlite": "text"}[foreign.vendor]
    foreign.run(f"CREATE TABLE people (id {kind} PRIMARY KEY NOT NULL, closed date)")
    foreign.insert("people", (key, date(2020, 1, 1)), (str(uuid.UUID(int=7)), date(2020, 1, 1)))

    assert enforce(target(), due(held={copied})) == 1
    assert [str(row) for row in foreign.column("SELECT id FROM people")] == [key]


def test_keys_may_be_bytes(foreign):
    kind = {"postgresql": "bytea", "mysql": "binary(16)", "sqlite": "blob"}[foreign.vendor]
    foreign.run(f"CREATE TABLE people (id {kind} PRIMARY KEY NOT NULL, closed date)")
    held, free = uuid.uuid4(), uuid.uuid4()
    foreign.insert("people", (held.bytes, date(2020, 1, 1)), (free.bytes, date(2020, 1, 1)))

    assert enforce(target(), due(held={str(held)})) == 1
    assert [bytes(row) for row in foreign.column("SELECT id FROM people")] == [held.bytes]


@pytest.mark.parametrize("key", ["it's", 'a"b', "100%", "a\\b", "é€😀", "; DROP TABLE people; --", "", "%s"])
def test_keys_of_any_text_are_values_and_nothing_else(foreign, key):
    foreign.run("CREATE TABLE people (id varchar(60) PRIMARY KEY NOT NULL, closed date)")
    foreign.insert("people", (key, date(2020, 1, 1)), ("other", date(2030, 1, 1)))

    assert enforce(target(), due(held={"somebody else"})) == 1
    assert foreign.column("SELECT id FROM people") == ["other"]


@pytest.mark.any_database
@pytest.mark.parametrize("foreign", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("said", "is_held"), [("true", True), ("Y", True), (1, True), ("false", False), (0, False)])
def test_what_sqlite_calls_true_may_be_any_value(foreign, said, is_held):
    foreign.run("CREATE TABLE people (id {serial}, closed date, held boolean)")
    foreign.insert("people", (1, "2020-01-01", said))

    assert enforce(target(hold_column="held"), due()) == (0 if is_held else 1)


# -- Dates ------------------------------------------------------------------------------------------

MIDNIGHT = begins(CUT_OFF)  # 2024-12-31 23:00 in UTC


def test_a_moment_without_a_zone_is_in_that_of_the_target(foreign):
    foreign.run("CREATE TABLE people (id {serial}, closed {moment})")
    foreign.insert("people", (1, "2024-12-31 23:30:00"), (2, "2025-01-01 00:00:00"), (3, "2024-12-31 22:59:59"))

    assert target().census(due()).due == 2
    assert target(time_zone="UTC").census(due()).due == 1
    assert target(time_zone="UTC").census(due()).oldest == datetime(2024, 12, 31, 22, 59, 59, tzinfo=UTC)
    assert enforce(target(time_zone="UTC"), due()) == 1


def test_a_moment_with_a_zone_is_that_moment(foreign):
    foreign.run("CREATE TABLE people (id {serial}, closed {zoned} NULL)")
    zone = "" if foreign.vendor == "mysql" else "+00:00"  # the session of ours is in UTC
    rows = [(1, f"2024-12-31 22:59:59{zone}"), (2, f"2024-12-31 23:00:00{zone}"), (3, None)]
    foreign.insert("people", *rows)
    table = target(time_zone="Pacific/Auckland")

    assert table.census(due()) == Census(3, 1, 0, 1, 0, datetime(2024, 12, 31, 22, 59, 59, tzinfo=UTC))
    assert enforce(table, due()) == 1


@pytest.mark.any_database
@pytest.mark.parametrize("foreign", ["sqlite"], indirect=True)
@pytest.mark.parametrize("declared", ["text", "date", "datetime", "timestamp with time zone"])
@pytest.mark.parametrize(
    ("text", "is_due"),
    [
        ("2024-12-31", True),
        ("2025-01-01", False),
        ("2024-12-31 23:59:59", True),
        ("2024-12-31 23:59:59.999999", True),
        ("2025-01-01 00:00:00", False),
        ("2025-01-01 00:00:00.000000", False),
        ("2024-12-31T23:59", True),
        ("2025-01-01T00:00", False),
        ("2024-12-31 22:59:59+00:00", True),
        ("2024-12-31 23:00:00+00:00", False),
        ("2024-12-31 23:00:00.000001+00:00", False),
        ("2024-12-31T22:59:59Z", True),
        ("2024-12-31T23:00:00Z", False),
        ("2025-01-01 13:59:59+15:00", False),  # SQLite knows no such zone
        ("2025-01-01 12:59:59+14:00", True),
        ("2024-12-31 10:59:59-12:00", True),
        ("2024-12-31 11:00:00-12:00", False),
    ],
)
def test_sqlite_has_texts_and_iso_8601_is_read_in_each_of_its_forms(foreign, declared, text, is_due):
    foreign.run(f"CREATE TABLE people (id {{serial}}, closed {declared})")
    foreign.insert("people", (1, text))

    assert enforce(target(), due()) == int(is_due)


@pytest.mark.any_database
@pytest.mark.parametrize("foreign", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "nonsense",
    ["", "now", "unknown", "0000-00-00", "12:00", "31-12-2019", "2019-13-01", "2019-01-01 x", 2458849, 0.5, b"1"],
)
def test_what_is_no_date_in_sqlite_is_never_due_and_counted(foreign, nonsense):
    foreign.run("CREATE TABLE people (id {serial}, closed datetime)")
    foreign.insert("people", (1, nonsense), (2, "2020-01-01"))

    assert target().census(due()) == Census(2, 1, 0, 1, 0, begins(date(2020, 1, 1)))
    assert enforce(target(), due()) == 1
    assert ids(foreign) == [1]


@pytest.mark.any_database
@pytest.mark.parametrize("foreign", ["mysql"], indirect=True)
def test_the_zero_date_of_mysql_is_no_date(foreign):
    foreign.run("CREATE TABLE people (id {serial}, closed date NOT NULL)")
    foreign.run("SET SESSION sql_mode = ''")
    foreign.insert("people", (1, "0000-00-00"), (2, "2020-00-00"), (3, "2020-01-01"))
    foreign.connection.close()

    target().check(due())

    assert target().census(due()) == Census(3, 1, 0, 2, 0, begins(date(2020, 1, 1)))
    assert enforce(target(), due()) == 1
    assert ids(foreign) == [1, 2]


if "postgresql" in others.VENDORS:

    @pytest.mark.parametrize("foreign", ["postgresql"], indirect=True)
    @pytest.mark.parametrize("kind", ["date", "timestamp", "timestamptz"])
    def test_infinity_is_never_due(foreign, kind):
        foreign.run(f"CREATE TABLE people (id {{serial}}, closed {kind})")
        foreign.run(
            "INSERT INTO people VALUES (1, '-infinity'), (2, 'infinity'), (3, '2020-01-01'), (4, '0044-03-15 BC')"
        )

        census = target().census(due())

        assert (census.total, census.due, census.undated, census.future) == (4, 1, 2, 1)
        assert enforce(target(), due()) == 1
        assert target().examples(due(date(9999, 1, 1)), 10) == []


@at_most(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moments=st.lists(
        st.datetimes(datetime(2024, 12, 30), datetime(2025, 1, 2)).map(lambda each: each.replace(microsecond=0)),
        max_size=8,
    ),
    cut_off=st.datetimes(datetime(2024, 12, 30), datetime(2025, 1, 2)),
)
@pytest.mark.parametrize("vendor", others.VENDORS)
def test_exactly_what_began_before_the_cut_off_goes(vendor, foreign_once, moments, cut_off):
    """In summer time or not, at midnight or not; moments in UTC, as Django stores them."""
    database = foreign_once
    database.run("DELETE FROM people")
    suffix = "" if database.vendor == "mysql" else "+00:00"
    database.insert("people", *((number, f"{moment}{suffix}") for number, moment in enumerate(moments, 1)))
    cut_off = cut_off.replace(tzinfo=UTC)

    enforce(target(), due(cut_off), size=3)

    left = {number for number, moment in enumerate(moments, 1) if moment.replace(tzinfo=UTC) >= cut_off}
    # Less than a second may be left for the next time, never taken.
    late = {n for n, moment in enumerate(moments, 1) if cut_off - moment.replace(tzinfo=UTC) < timedelta(seconds=1)}
    assert left <= set(ids(database)) <= left | late


@pytest.fixture
def foreign_once(request, vendor, db, tmp_path):
    with others.connected(request, vendor, tmp_path) as database:
        database.run("CREATE TABLE people (id {serial}, closed {zoned} NULL)")
        connections[ALIAS].set_autocommit(True)
        yield Writable(database)


class Writable:
    def __init__(self, database):
        self.database, self.vendor = database, database.vendor

    def run(self, statement):
        if self.vendor == "sqlite":
            self.database.run("PRAGMA query_only = OFF")
        return self.database.run(statement)

    def insert(self, *given):
        self.database.insert(*given)

    def column(self, statement):
        return self.database.column(statement)


# -- A query finds the date -----------------------------------------------------------------------------

LAST_CONTACT = "SELECT person, ended FROM contracts"


@pytest.fixture
def contracts(people):
    people.run("CREATE TABLE contracts (person integer NOT NULL, ended {moment})")
    people.insert(
        "contracts",
        (1, "2020-01-01 00:00:00"),
        (2, "2020-01-01 00:00:00"),
        (2, "2026-01-01 00:00:00"),  # the latest counts
        (3, "2020-01-01 00:00:00"),
        (3, None),  # one runs still
        (99, "2020-01-01 00:00:00"),
    )
    return people


def test_a_query_may_find_the_dates(contracts):
    table = target(trigger_query=LAST_CONTACT)
    table.check(due())

    census = table.census(due())

    assert (census.total, census.due, census.undated) == (7, 1, 5)
    assert enforce(table, due()) == 1
    assert ids(contracts) == [2, 3, 4, 5, 6, 7]


def test_a_query_may_ask_the_table_itself(people):
    """Which MySQL does not let DELETE do by every way."""
    table = target(trigger_query="SELECT p.id, p.closed AS since FROM people p JOIN people q ON p.id = q.id")
    table.check(due())

    assert enforce(table, due(), size=2) == 3


def test_percent_signs_and_braces_in_a_query_are_left_as_they_are(contracts):
    table = target(trigger_query=LAST_CONTACT + " WHERE '100% {0} %s' LIKE '%'")

    assert table.census(due()).due == 1


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("SELECT person FROM contracts", "two columns"),
        ("SELECT person, ended, 1 AS one FROM contracts", "two columns"),
        ("SELECT person, ended FROM nowhere", "does not take it"),
        ("SELECT person, ended FROM contracts; DELETE FROM people", "cannot stand"),
        ("SELECT person, ended FROM contracts) x; DELETE FROM people --", "cannot stand"),
        ("SELECT person, ended FROM contracts) x, (SELECT 1", "do not match"),
        ("SELECT person, ended FROM contracts /* */", "cannot stand"),
        ("SELECT person, 'it''s' || 'x FROM contracts", "not closed"),
        ("DELETE FROM people", "begins with SELECT"),
        ("UPDATE people SET name = ''", "begins with SELECT"),
        ("WITH gone AS (DELETE FROM people RETURNING id, closed) SELECT id, closed FROM gone", "does not take it"),
        ("SELECT person, ended INTO OUTFILE 'x' FROM contracts", "does not take it"),
        ("SELECT person, ended FROM contracts WHERE \\'", "cannot stand"),
        ("SELECT person, ended FROM contracts WHERE $$x$$", "cannot stand"),
        ("SELECT person, ended FROM contracts WHERE 'a\0b' = ''", "cannot stand in a text"),
        ("", "a"),
    ],
)
def test_a_query_that_is_more_or_less_than_one_select_is_refused(contracts, query, sentence):
    if not query:
        query, sentence = "   ", "begins with SELECT"
    table = target(trigger_query=query)

    with pytest.raises(NotEnforceable, match=sentence):
        table.check(due())
    assert len(ids(contracts)) == 7


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ("TRUE) OR (TRUE", "do not match"),
        ("1 = 1; DROP TABLE people", "cannot stand"),
        ("name = 'it", "not closed"),
        ("nobody = 1", "does not take it"),
        ("name =", "does not take it"),
        ("id IN (DELETE FROM people RETURNING id)", "does not take it"),
    ],
)
def test_a_condition_that_is_more_or_less_than_one_condition_is_refused(people, condition, sentence):
    with pytest.raises(NotEnforceable, match=sentence):
        target(condition=condition).check(due())
    assert len(ids(people)) == 7


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("foreign", "text"), [("sqlite", "[x'] = 1 OR 'a'"), ("mysql", "1 # '\n"), ("sqlite", "]")], indirect=["foreign"]
)
def test_quotes_and_comments_that_one_database_alone_knows_are_refused(people, text):
    with pytest.raises(NotEnforceable, match="cannot stand"):
        target(condition=text).check(due())


# -- Names ------------------------------------------------------------------------------------------------

ODD = [
    'pe"ople',
    "pe`ople",
    "pe'ople; DROP TABLE x",
    "mensen é😀",
    "100%s",
    "a.b",
    "{0}",
    "select",
    '"quoted"',
    "`ticked`",
]


@pytest.mark.parametrize("odd", ODD)
def test_names_of_any_kind_are_names_and_nothing_else(foreign, odd):
    if foreign.vendor == "mysql" and "😀" in odd:
        odd = odd.replace("😀", "ü")  # identifiers are of the basic plane there
    quote = "`" if foreign.vendor == "mysql" else '"'
    quoted = quote + odd.replace(quote, quote * 2) + quote
    with foreign.connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {quoted} (id integer PRIMARY KEY NOT NULL, {quoted} date, note varchar(20))")
        cursor.execute(f"INSERT INTO {quoted} VALUES (1, '2020-01-01', 'x'), (2, '2030-01-01', 'y')")
    table = target(table=odd, trigger_column=odd)
    table.check(due())

    assert table.census(due()).due == 1
    assert [row["id"] for row in table.examples(due(), 10)] == ["1"]
    assert enforce(table, due()) == 1
    with foreign.connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {quoted}")
        assert list(cursor.fetchall()) == [(2,)]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"table": "peoples"}, "There is no table peoples .* Is it people"),
        ({"table": 'people"; DROP TABLE people; --'}, "There is no table"),
        ({"table": "people -- "}, "There is no table"),
        ({"key_column": "ids"}, "no column ids. Is it id?"),
        ({"key_column": "name"}, "does not name one row"),
        ({"trigger_column": "name"}, "read as no date|no rows"),
        ({"trigger_column": "held"}, "read as no date"),
        ({"trigger_column": 'closed" < 1 OR "closed'}, "no column"),
        ({"hold_column": "name"}, "neither true nor false"),
        ({"time_zone": "Europe/Utrecht"}, "no time zone"),
        ({"time_zone": "../../etc/passwd"}, "no time zone"),
        ({"connection": "nowhere"}, "set DATABASE_URL_NOWHERE"),
        ({"connection": "default"}, "set DATABASE_URL_DEFAULT"),
    ],
)
def test_what_is_not_there_or_does_not_serve_is_said(people, changes, sentence):
    table = target(**changes)
    if changes == {"trigger_column": "name"} and people.vendor == "sqlite":
        return  # a text there may hold dates
    with pytest.raises(NotEnforceable, match=sentence):
        table.check(due())


def test_a_table_may_be_named_with_its_schema(people):
    schema = {"postgresql": "public", "sqlite": "main", "mysql": people.connection.settings_dict["NAME"]}
    table = target(table=f"{schema[people.vendor]}.people")
    table.check(due())

    assert enforce(table, due()) == 3


# -- Anonymising --------------------------------------------------------------------------------------------


def test_what_is_due_is_anonymised_once(people):
    table = target(treatments=[("name", "blank", ""), ("closed", "year", "")], hold_column="held")
    what = due(action="anonymise")
    table.check(what)

    assert table.census(what).due == 2
    assert enforce(table, what, size=1) == 2
    rows = people.run("SELECT id, name, closed FROM people ORDER BY id")
    assert [(key, name, str(day)) for key, name, day in rows][:3] == [
        (1, "", "2019-01-01"),
        (2, "", "2024-01-01"),
        (3, "Carla", "2025-01-01"),
    ]
    assert rows[6][1] == "Greet"
    assert table.census(what).due == 0
    assert enforce(table, what) == 0


@pytest.mark.parametrize(
    ("action", "treatments"), [("anonymise", []), ("erase", [("name", "blank", "")]), ("", []), ("forget", [])]
)
def test_treatments_and_the_action_of_the_rule_have_to_agree(people, action, treatments):
    with pytest.raises(NotEnforceable):
        target(treatments=treatments).check(due(action=action))


@pytest.mark.parametrize(
    ("column", "treatment"), [("id", "blank"), ("held", "blank"), ("closed", "blank"), ("withdrawn", "blank")]
)
def test_the_key_the_hold_and_the_dates_are_not_taken_away(people, column, treatment):
    table = target(early=[("withdrawn", "withdrawn")], hold_column="held", treatments=[(column, treatment, "")])

    with pytest.raises(NotEnforceable):
        table.check(due(action="anonymise"))


# -- Examples and calendar ------------------------------------------------------------------------------------


def test_examples_name_nobody(foreign):
    foreign.run(
        "CREATE TABLE people (id integer PRIMARY KEY NOT NULL, name varchar(40), note {text}, "
        "salary decimal(9, 2), closed date, born date)"
    )
    foreign.insert("people", (123456789, "Anna de Vries", "", Decimal("43210.55"), "2019-03-03", "1980-05-17"))
    foreign.insert("people", (7, None, "x" * 300, Decimal("-3.5"), "2019-04-03", None))

    first, second = target().examples(due(), 10)

    assert first == {
        "id": "…789",
        "closed": "March 2019",
        "name": "A… (at most 20 characters)",
        "note": "an empty text",
        "salary": "about 40,000",
        "born": "May 1980",
    }
    assert second == {
        "id": "7",
        "closed": "April 2019",
        "name": "",
        "note": "x… (more than 100 characters)",
        "salary": "more than -10",
        "born": "",
    }
    assert len(target().examples(due(), 1)) == 1


def test_the_calendar_counts_by_the_day_of_amsterdam(foreign):
    foreign.run("CREATE TABLE people (id {serial}, closed {moment}, held integer)")
    moments = [
        "2024-06-01 21:59:59",
        "2024-06-01 22:00:00",
        "2024-06-02 12:00:00",
        "2024-07-20 00:00:00",
        "2024-05-31 21:59:59",
    ]
    foreign.insert("people", *((number, moment, 0) for number, moment in enumerate(moments, 1)))
    foreign.insert("people", (9, "2024-06-02 12:00:00", 1))

    days = target(time_zone="UTC", hold_column="held").calendar(date(2024, 6, 1), date(2024, 8, 31))

    assert days == {date(2024, 6, 1): 1, date(2024, 6, 2): 2, date(2024, 7, 20): 1}


def test_the_calendar_forgets_what_is_anonymised_already(people):
    table = target(treatments=[("name", "blank", "")])
    enforce(table, due(action="anonymise"))

    assert table.calendar(date(2019, 1, 1), date(2025, 1, 31)) == {date(2025, 1, 1): 1}


# -- Faults, against real servers -----------------------------------------------------------------------------


def test_a_table_that_vanished_stops_the_run_and_is_said_at_the_next(people):
    table = target()
    table.check(due())
    batches = table.batches(due(), 1)
    next(batches)
    if people.vendor == "sqlite":
        people.run("PRAGMA query_only = OFF")
    people.run("DROP TABLE people")

    with pytest.raises(Error):
        next(batches)
    with pytest.raises(Error), transaction.atomic(using=ALIAS):
        table.enforce([1], due())
    with pytest.raises(NotEnforceable, match="There is no table people"):
        target().check(due())


def test_reading_can_change_nothing(people):
    with pytest.raises(Error), target().reading() as cursor:
        cursor.execute("DELETE FROM people")
    assert len(ids(people)) == 7


@pytest.mark.any_database
@pytest.mark.parametrize("foreign", ["mysql"], indirect=True)
def test_an_account_that_may_not_delete_is_told_before_anything_begins(people, mariadb_url):
    where = others.urlsplit(mariadb_url)
    login = {"host": where.hostname, "port": where.port, "user": where.username}
    database = people.connection.settings_dict["NAME"]
    with pymysql.connect(password=mariadb_server.PASSWORD, **login) as root, root.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE USER 'reader'@'127.0.0.1' IDENTIFIED BY 'reads'")
        cursor.execute(f"GRANT SELECT ON {database}.* TO 'reader'@'127.0.0.1'")

    with others.declared(f"mysql://reader:reads@127.0.0.1:{where.port}/{database}", "hr_reader"):
        table = target(connection="hr_reader")
        assert table.census(due()).due == 3
        with pytest.raises(NotEnforceable, match="This account may not"):
            table.check(due())
        with pytest.raises(Error), transaction.atomic(using="hr_reader"):
            table.enforce([1], due())


@pytest.mark.any_database
def test_a_server_that_stops_in_the_middle_breaks_off_and_what_was_done_stays_done(db):
    if not mariadb_server.is_installed():
        pytest.skip("MariaDB is not installed")
    # What it has committed is on the disk, as in earnest.
    with mariadb_server.server("--innodb-flush-log-at-trx-commit=1") as server:
        login = {"host": "127.0.0.1", "port": server.port, "user": "tests", "password": mariadb_server.PASSWORD}
        with pymysql.connect(autocommit=True, **login) as root, root.cursor() as cursor:
            cursor.execute("CREATE DATABASE hr")
            cursor.execute("CREATE TABLE hr.people (id int PRIMARY KEY, closed date)")
            cursor.executemany("INSERT INTO hr.people VALUES (%s, '2020-01-01')", [(n,) for n in range(1, 7)])
        with others.declared(f"{server.url}hr"):
            table = target()
            batches = table.batches(due(), 2)
            with transaction.atomic(using=ALIAS):
                table.enforce(next(batches), due())
            second = next(batches)
            with pytest.raises(OperationalError), transaction.atomic(using=ALIAS):  # noqa: PT012 - its end raises
                table.enforce(second, due())
                server.kill()
            with pytest.raises(OperationalError):
                target().census(due())

            server.start()
            connections[ALIAS].close()
            assert enforce(target(), due()) == 4


if "postgresql" in others.VENDORS:

    @pytest.mark.parametrize("foreign", ["postgresql"], indirect=True)
    def test_a_session_that_is_ended_in_the_middle_breaks_off(people):
        table = target()
        (batch,) = table.batches(due(), 10)
        ours = people.connection.settings_dict
        server = {key: ours[key.upper()] for key in ("host", "port", "user", "password")}

        end_all = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{ours['NAME']}'"
        with psycopg.connect(dbname="postgres", autocommit=True, **server) as other:

            def enforce_while_it_is_ended():
                with transaction.atomic(using=ALIAS):
                    table.enforce(batch, due())
                    other.execute(end_all)

            with pytest.raises(OperationalError):
                enforce_while_it_is_ended()

        assert len(ids(people)) == 7

    @pytest.mark.parametrize("foreign", ["postgresql"], indirect=True)
    def test_a_role_that_may_not_update_is_told_before_anything_begins(people):
        role = others.fresh_name()
        people.run(f"CREATE ROLE {role}")
        people.run(f"GRANT SELECT ON people TO {role}")
        try:
            people.run(f"SET ROLE {role}")
            assert target().census(due()).due == 3
            with pytest.raises(NotEnforceable, match="This account may not"):
                target(treatments=[("name", "blank", "")]).check(due(action="anonymise"))
        finally:
            people.run("RESET ROLE")
            people.run(f"DROP OWNED BY {role}")
            people.run(f"DROP ROLE {role}")

    @pytest.mark.parametrize("foreign", ["postgresql"], indirect=True)
    def test_a_question_that_takes_too_long_is_ended_and_said(people, monkeypatch):
        monkeypatch.setattr("retention.table_target.PATIENCE", timedelta(milliseconds=50))

        with pytest.raises(NotEnforceable, match="An index on the date helps"):
            target(condition="(SELECT COUNT(*) FROM generate_series(1, 1000000000)) > 0").census(due())

    @pytest.mark.parametrize("foreign", ["postgresql"], indirect=True)
    def test_rows_that_somebody_else_holds_are_not_waited_for_without_end(people, monkeypatch):
        monkeypatch.setattr("retention.table_target.LOCK_PATIENCE", timedelta(milliseconds=50))
        ours = people.connection.settings_dict
        server = {key: ours[key.upper()] for key in ("host", "port", "user", "password")}
        with psycopg.connect(dbname=ours["NAME"], **server) as other:
            other.execute("UPDATE people SET name = 'x' WHERE id = 1")
            with pytest.raises(OperationalError), transaction.atomic(using=ALIAS):
                target().enforce([1, 2], due())

    @pytest.mark.parametrize("foreign", ["postgresql"], indirect=True)
    @pytest.mark.parametrize("query", ["SELECT id, nextval('people_numbers')::text::date FROM people"])
    def test_a_query_that_writes_without_looking_like_it_is_refused(people, query):
        people.run("CREATE SEQUENCE people_numbers")
        with pytest.raises((NotEnforceable, Error)):
            target(trigger_query=query).census(due())
        assert people.column("SELECT is_called FROM people_numbers") == [False]
