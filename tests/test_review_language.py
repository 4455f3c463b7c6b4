"""Both sides of every rule on language: what is found, and what is left alone."""

from datetime import UTC, datetime, timedelta

import pytest

from policies.review import RULES, Severity, Subject

LISTS = [
    "data_subjects", "data_categories", "triggers", "statutory_exceptions", "retention_rules", "recipients",
    "purposes", "measures", "cookie_vendors", "websites",
]  # fmt: skip
ABOUT = ("pages", "statement", "about", "text")


def subject(en, nl, **more):
    """A draft that says one thing: a section with this text."""
    section = {"slug": "about", "part": "text", "heading": {"en": "About", "nl": "Over"}, "text": {"en": en, "nl": nl}}
    content = {
        "controller": None,
        "title": None,
        "pages": {"statement": [section], "summary": []},
        **{key: [] for key in LISTS},
    }
    keys = {"before", "edited"}
    content |= {key: value for key, value in more.items() if key not in keys}
    return Subject(content=content, internal={"purposes": {}}, **{key: more[key] for key in keys & more.keys()})


def faults(code, en, nl, **more):
    return list(RULES[code].look(subject(en, nl, **more)))


def sentences(code, en, nl, **more):
    return [str(fault.sentence) % {k: v if not isinstance(v, dict) else v["en"] for k, v in fault.words.items()}
            for fault in faults(code, en, nl, **more)]  # fmt: skip


def recipient(name, kind="named", company=""):
    return {"slug": "one", "kind": kind, "name": {"en": name, "nl": name}, "company": company, "task": None}


# -- L1: the same text in both languages -----------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "We keep your data safe.",
        "Dit is onze verklaring.",
        "Personal data categories processed within Klinkerpad",  # no function word, but long
        "<p>We keep <strong>your</strong> data.</p>",
    ],
)
def test_a_sentence_that_is_the_same_in_both_languages_is_found(text):
    assert sentences("L1", text, text) == ["The English and the Dutch are the same text. Translate one of them."]


@pytest.mark.parametrize(
    "text",
    ["Contact", "Cookies", "reCAPTCHA", "Google Maps", "Social media buttons", "Curriculum vitae", "IP: 127.0.0.1"],
)
def test_words_that_both_languages_have_are_left_alone(text):
    assert faults("L1", text, text) == []


def test_the_name_of_a_company_is_no_untranslated_text():
    name = "The Good Wheel and Sons"

    assert faults("L1", "About", "Over", recipients=[recipient(name)]) == []
    assert [fault.place for fault in faults("L1", "About", "Over", recipients=[recipient(name, kind="category")])] == [
        ("recipients", "one", "name")
    ]


# -- L2: the other language ------------------------------------------------------------------


def test_dutch_in_the_place_of_english_is_found():
    assert sentences("L2", "Hier lees je wat we met je gegevens doen.", "Zo gaan we met je gegevens om.") == [
        "The English text, or a sentence of it, reads as Dutch. Translate it."
    ]


def test_english_in_the_place_of_dutch_is_found():
    assert sentences("L2", "This is what we do.", "This is what we do with your data and why.") == [
        "The Dutch text, or a sentence of it, reads as English. Translate it."
    ]


def test_texts_that_changed_places_are_found_at_once():
    assert sentences("L2", "Hier lees je wat we met je gegevens doen.", "This is what we do with your data.") == [
        "The English text reads as Dutch and the Dutch text as English. Let them change places."
    ]


def test_one_sentence_that_was_not_translated_is_found_in_a_long_text():
    dutch = "<p>We bewaren je gegevens niet lang. You can ask us for a copy of them. Dat kost je niets.</p>"

    assert len(faults("L2", "<p>We do not keep your data for long. Ask us for a copy. It is free.</p>", dutch)) == 1


@pytest.mark.parametrize(
    ("en", "nl"),
    [
        ("We use cookies in our shop.", "We gebruiken cookies in onze winkel."),
        ("Under ‘Hoe het werkt’ you read more.", "Onder ‘Hoe het werkt’ lees je meer."),
        ("The General State Taxes Act (Algemene wet inzake rijksbelastingen) applies.", "De Awr is van toepassing."),
        ("Contact", "Contact"),
        ("Over the counter", "In de winkel"),
    ],
)
def test_each_language_in_its_place_is_left_alone_also_where_it_quotes_the_other(en, nl):
    assert faults("L2", en, nl) == []


def test_what_is_the_same_in_both_languages_is_told_once():
    text = "We keep your data and you can ask for it."

    assert len(faults("L1", text, text)) == 1
    assert faults("L2", text, text) == []


# -- L3: numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("en", "nl", "only_english", "only_dutch"),
    [
        ("99% available", "95% beschikbaar", "99", "95"),
        ("based on ISO 27001", "gebaseerd op ISO", "27001", "nothing"),
        ("about 1,000 customers", "ongeveer 10.000 klanten", "1000", "10000"),
        ("it costs 1.50", "het kost 1,05", "1.50", "1.05"),
        ("from 08:30 to 17:00", "van 08.30 tot 18.00 uur", "17", "18"),
        ("TLS 1.2", "TLS 1.3", "1.2", "1.3"),
        ("call 085 123 45 67", "bel 085 123 45 76", "851234567", "851234576"),
        ("two colleagues decide", "drie collega’s beslissen", "2", "3"),
        ("Article 52", "artikel 25", "52", "25"),
        ("thirty shops", "veertig winkels", "30", "40"),
        ("two hundred shops", "driehonderd winkels", "200", "300"),
        ("99999999999999999999 days", "binnenkort", "99999999999999999999", "nothing"),
        ("within 48 hours", "binnen 72 uur", "48", "72"),
    ],
)
def test_a_number_that_differs_is_found(en, nl, only_english, only_dutch):
    assert sentences("L3", en, nl) == [f"Numbers differ. Only in English: {only_english}. Only in Dutch: {only_dutch}."]


@pytest.mark.parametrize(
    ("en", "nl"),
    [
        ("1,000 customers", "1.000 klanten"),
        ("1,234,567.5", "1.234.567,5"),
        ("it costs 1.50", "het kost 1,50"),
        ("from 08:30 to 17:00", "van 08.30 tot 17.00 uur"),
        ("until 5 pm", "tot 17.00 uur"),
        ("3 reasons", "drie redenen"),
        ("one of the reasons", "een reden"),
        ("Article 6(1)(f)", "artikel 6, eerste lid, onder f"),
        ("call +31 85 123 45 67", "bel 085 - 123 45 67"),
        ("both colleagues decide", "de twee collega’s beslissen"),
        ("TLS 1.2; 27001/27002", "TLS 1.2; 27001/27002"),
        ("within 2 days", "binnen twee dagen"),  # a period: see L5
        ("on 8 November 2021", "op 8-11-2021"),  # a date: see L4
        ("forty-two shops", "tweeënveertig winkels"),
        ("42 shops", "tweeënveertig winkels"),
        ("twenty-four hours", "24 uur"),
        ("two hundred shops", "tweehonderd winkels"),
        ("within 72 hours", "binnen drie dagen"),
        ("kept for 1,000 days", "1.000 dagen bewaard"),
    ],
)
def test_the_same_number_in_the_way_of_each_language_is_left_alone(en, nl):
    assert faults("L3", en, nl) == []


# -- L4: dates -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("en", "nl", "only_english", "only_dutch"),
    [
        ("since 25 May 2018", "sinds 25 mei 2019", "25 May 2018", "25 May 2019"),
        ("since May 25, 2018", "sinds 24 mei 2018", "25 May 2018", "24 May 2018"),
        ("since March 2020", "sinds april 2020", "March 2020", "April 2020"),
        ("every 1 January", "elke 2 januari", "1 January", "2 January"),
        ("on 2021-11-08", "op 8 december 2021", "8 November 2021", "8 December 2021"),
        ("on 31 February 2021", "op die dag", "31-2-2021", "nothing"),
    ],
)
def test_a_date_that_differs_is_found(en, nl, only_english, only_dutch):
    found = [sentence.replace("\N{NO-BREAK SPACE}", " ") for sentence in sentences("L4", en, nl)]

    assert [normal(sentence) for sentence in found] == [
        normal(f"Dates differ. Only in English: {only_english}. Only in Dutch: {only_dutch}.")
    ]


def normal(sentence):
    """Whatever the order of day and month in the English of the locale data."""
    return sorted(sentence.replace(",", "").replace(".", " ").split())


@pytest.mark.parametrize(
    ("en", "nl"),
    [
        ("since 25 May 2018", "sinds 25 mei 2018"),
        ("since May 25, 2018", "sinds 25-5-2018"),
        ("on the 8th of November 2021", "op 8 november 2021"),
        ("in November 2021", "in november 2021"),
        ("you may ask 2 things", "je mag 2 dingen vragen"),
    ],
)
def test_the_same_date_in_the_way_of_each_language_is_left_alone(en, nl):
    assert faults("L4", en, nl) == []


# -- L5: periods -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("en", "nl", "only_english", "only_dutch"),
    [
        ("within two years", "binnen drie jaar", "2 years", "3 years"),
        ("for 6 weeks", "gedurende 4 weken", "6 weeks", "4 weeks"),
        ("within one month", "binnen één week", "1 month", "1 week"),
        ("for 13 months", "voor onbepaalde tijd", "13 months", "nothing"),
        ("within 2 working days", "binnen 2 dagen", "2 working days", "2 days"),
        ("for a month", "een jaar lang", "1 month", "1 year"),
        ("for six months", "anderhalf jaar", "6 months", "18 months"),
        ("P1Y", "P2Y", "1 year", "2 years"),
        ("within thirty days", "binnen zestig dagen", "30 days", "60 days"),
        ("for ninety days", "dertig dagen lang", "90 days", "30 days"),
        ("two hundred days", "honderd dagen", "200 days", "100 days"),
        ("two and a half years", "anderhalf jaar", "30 months", "18 months"),
        ("a fortnight", "drie weken", "nothing", "3 weeks"),
        ("within 0 days", "binnenkort", "0 days", "nothing"),
        ("for 0 years", "een tijdje", "0 months", "nothing"),
        ("for 99999 years", "een tijdje", "99,999 years", "nothing"),
    ],
)
def test_a_period_that_differs_is_found(en, nl, only_english, only_dutch):
    assert sentences("L5", en, nl) == [f"Periods differ. Only in English: {only_english}. Only in Dutch: {only_dutch}."]


@pytest.mark.parametrize(
    ("en", "nl"),
    [
        ("within two years", "binnen 2 jaar"),
        ("one year", "een jaar"),
        ("a year", "één jaar"),
        ("for 12 months", "één jaar"),
        ("a six-week term", "een termijn van 6 weken"),
        ("half a year", "een halfjaar"),
        ("for 18 months", "anderhalf jaar"),
        ("within two working days", "binnen 2 werkdagen"),
        ("24 hours a day", "24 uur per dag"),
        ("once a year", "jaarlijks"),
        ("within a month", "binnen een maand"),
        ("within thirty days", "binnen 30 dagen"),
        ("twenty-five days", "vijfentwintig dagen"),
        ("a hundred days", "honderd dagen"),
        ("one and a half years", "anderhalf jaar"),
        ("a year and a half", "18 maanden"),
        ("two and a half years", "tweeënhalf jaar"),
        ("2.5 years", "2,5 jaar"),
        ("1.5 years", "anderhalf jaar"),
        ("a fortnight", "twee weken"),
        ("5 days", "5 etmalen"),
        ("within 72 hours", "binnen drie dagen"),
        ("within 48 hours", "binnen 72 uur"),  # numbers: see L3
    ],
)
def test_the_same_period_in_the_words_of_each_language_is_left_alone(en, nl):
    assert faults("L5", en, nl) == []


# -- L6: names -------------------------------------------------------------------------------


def test_an_email_address_that_differs_is_found():
    assert sentences("L6", "Write to privacy@shop.example.", "Schrijf naar info@shop.example.") == [
        "Names or e-mail addresses differ. Only in English: privacy@shop.example. Only in Dutch: info@shop.example."
    ]


def test_a_company_that_only_one_language_names_is_found():
    found = sentences(
        "L6", "Larkmail sends our letters.", "Een bedrijf verstuurt onze brieven.", recipients=[recipient("Larkmail")]
    )

    assert found == ["Names or e-mail addresses differ. Only in English: Larkmail. Only in Dutch: nothing."]


@pytest.mark.parametrize("dutch", ["Larkmails dienst", "de Larkmail-dienst", "van Larkmail.", "Larkmail’s dienst"])
def test_a_name_is_recognised_in_what_dutch_makes_of_it(dutch):
    assert faults("L6", "the service of Larkmail", dutch, recipients=[recipient("Larkmail")]) == []


def test_a_category_of_companies_is_no_name():
    assert faults("L6", "Parcel services", "Pakketdiensten", recipients=[recipient("Parcel", kind="category")]) == []


# -- L7: links -------------------------------------------------------------------------------


def linked(address):
    return f'<p>See <a href="{address}">here</a>.</p>'


@pytest.mark.parametrize(
    ("en", "nl"),
    [
        ("https://www.shop.example/terms", "https://www.shop.example/privacy"),
        ("https://one.example", "https://other.example"),
        ("mailto:a@shop.example", "mailto:b@shop.example"),
        ("https://shop.example/?page=1", "https://shop.example/?page=2"),
        ("https://[company].example/x", "https://[bedrijf].example/x"),
        ("https://[company].example/en/x", "https://shop.example/x"),
        ("https://shop.example/en/terms", "http://[::1"),
    ],
)
def test_a_link_that_leads_elsewhere_is_found(en, nl):
    assert sentences("L7", linked(en), linked(nl)) == [f"Links differ. Only in English: {en}. Only in Dutch: {nl}."]


def test_a_link_that_is_missing_is_found():
    assert len(faults("L7", linked("https://shop.example/terms"), "<p>Zie daar.</p>")) == 1


@pytest.mark.parametrize(
    ("en", "nl"),
    [
        ("https://shop.example/terms", "https://shop.example/terms"),
        ("https://shop.example/en/terms/", "https://shop.example/nl/voorwaarden/"),
        ("https://shop.example/en", "https://shop.example"),
        ("https://authority.example/en/complaints", "https://authority.example/klachten"),
        ("https://en.shop.example/a", "https://nl.shop.example/a"),
        ("https://shop.example/?hl=en", "https://shop.example/?hl=nl"),
        ("https://shop.example/#rights", "https://shop.example/#rechten"),
        ("https://shop.example/", "https://www.shop.example"),
        ("https://[company].example/x", "https://[company].example/x"),
    ],
)
def test_the_same_page_in_each_language_is_left_alone(en, nl):
    assert faults("L7", linked(en), linked(nl)) == []


# -- L8: lists and paragraphs ----------------------------------------------------------------


def test_a_list_with_another_number_of_items_is_found():
    english = "<p>We:</p>\n<ul>\n<li>count;</li>\n<li>weigh.</li>\n</ul>"

    assert sentences("L8", english, "<p>Wij:</p>\n<ul>\n<li>tellen en wegen.</li>\n</ul>") == [
        "The lists differ: 2 items in English, 1 in Dutch. Say in both what one of them says."
    ]
    assert faults("L8", english, "<p>Wij:</p>\n<ul>\n<li>tellen;</li>\n<li>wegen.</li>\n</ul>") == []


def test_another_number_of_paragraphs_is_a_warning():
    assert RULES["L8"].severity == Severity.ERROR
    assert RULES["L8b"].severity == Severity.WARNING
    assert len(faults("L8b", "<p>One thing.</p>\n<p>And more.</p>", "<p>Eén ding en meer.</p>")) == 1
    assert faults("L8b", "<p>One thing.</p>\n<p>And more.</p>", "<p>Eén ding.</p>\n<p>En meer.</p>") == []


def test_items_of_a_list_are_no_paragraphs():
    english = "<ul>\n<li>\n<p>count;</p>\n</li>\n<li>\n<p>weigh.</p>\n</li>\n</ul>"

    assert faults("L8b", english, "<ul>\n<li>tellen;</li>\n<li>wegen.</li>\n</ul>") == []
    assert faults("L8", english, "<ul>\n<li>tellen;</li>\n<li>wegen.</li>\n</ul>") == []


# -- L9, L10: kept up together ---------------------------------------------------------------

MARCH = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_text_of_which_one_language_was_changed_long_after_the_other_is_found():
    edited = {ABOUT: {"en": MARCH, "nl": MARCH + timedelta(days=31)}}

    assert sentences("L9", "We ask.", "We vragen.", edited=edited) == [
        "The Dutch was changed on April 1, 2026, the English last on March 1, 2026. Bring the English up to date."
    ]


def test_a_text_whose_languages_were_changed_within_a_month_is_left_alone():
    edited = {ABOUT: {"en": MARCH + timedelta(days=29), "nl": MARCH}}

    assert faults("L9", "We ask.", "We vragen.", edited=edited) == []


def published(en, nl):
    return subject(en, nl).content


def test_a_text_that_changed_in_one_language_only_since_the_last_version_is_found():
    before = published("We ask.", "We vragen.")

    assert sentences("L10", "We ask you.", "We vragen.", before=before) == [
        "Only the English has changed since the version published last. See whether the Dutch still says the same."
    ]
    assert sentences("L10", "We ask.", "We vragen je.", before=before) == [
        "Only the Dutch has changed since the version published last. See whether the English still says the same."
    ]


@pytest.mark.parametrize(
    ("en", "nl"), [("We ask.", "We vragen."), ("We ask you.", "We vragen je."), ("We ask!", "We vragen.")]
)
def test_a_text_that_did_not_change_or_changed_in_both_or_in_a_comma_is_left_alone(en, nl):
    assert faults("L10", en, nl, before=published("We ask.", "We vragen.")) == []


def test_before_the_first_version_nothing_has_changed():
    assert faults("L10", "We ask.", "We vragen.") == []


def test_what_changed_since_the_last_version_is_not_told_twice():
    edited = {ABOUT: {"en": MARCH + timedelta(days=40), "nl": MARCH}}
    before = published("We ask.", "We vragen.")

    assert len(faults("L10", "We ask you.", "We vragen.", edited=edited, before=before)) == 1
    assert faults("L9", "We ask you.", "We vragen.", edited=edited, before=before) == []


# -- A17: readable and believable ------------------------------------------------------------


def words(number):
    return " ".join(["Word", *["word"] * (number - 2), "last."])


def test_a_paragraph_of_more_than_120_words_is_found_in_either_language():
    assert sentences("A17", "Short.", f"<p>{words(121)}</p>") == [
        "The paragraph “Word word word word word word…” has 121 words; more than 120 are hard to read. Split it."
    ]
    assert faults("A17", f"<p>{words(120)}</p>\n<p>{words(120)}</p>", "Kort.") == []


@pytest.mark.parametrize(
    ("en", "nl", "found"),
    [
        ("Your data is 100% safe.", "Je gegevens zijn beveiligd.", "“100% safe”"),
        ("Your data is protected.", "Je gegevens zijn volledig veilig.", "“volledig veilig”"),
        ("We guarantee that.", "Dat beloven we.", "“We guarantee”"),
        ("Our systems hold.", "Onze systemen zijn waterdicht.", "“waterdicht”"),
        ("We never share your data.", "We zijn zuinig op je gegevens.", "“never”"),
        ("We take care.", "We verkopen je gegevens nooit.", "“verkopen”"),
        ("Your data is always encrypted.", "Je gegevens zijn versleuteld.", "“always encrypted”"),
        ("We take care.", "Onder geen beding geven we iets door.", "“Onder geen beding”"),
        (
            "It is impossible to hack.",
            "Het is honderd procent beveiligd.",
            "“impossible to hack”, “honderd procent beveiligd”",
        ),
        ("Your data is 100% safe with us and is not shared.", "We passen op.", "“100% safe”"),
        ("We take care.", "Je gegevens zijn 100% veilig en worden niet gedeeld.", "“100% veilig”"),
        ("We guarantee that your data will not be leaked.", "We passen op.", "“We guarantee”"),
        ("We take care.", "Wij garanderen dat je gegevens niet uitlekken.", "“garanderen”"),
        ("We do not sell it, and it is fully protected.", "We passen op.", "“fully protected”"),
        ("Not only is it private: it is completely safe.", "We passen op.", "“completely safe”"),
        ("We take care.", "Niemand leest mee, en het is altijd beveiligd.", "“altijd beveiligd”"),
    ],
)
def test_a_claim_that_nobody_can_keep_is_found(en, nl, found):
    assert sentences("A17b", en, nl) == [f"A claim that nobody can keep: {found}. Say what is done instead."]


@pytest.mark.parametrize(
    ("en", "nl"),
    [
        ("You can always ask us for a copy.", "Je kunt ons altijd om een kopie vragen."),
        ("We cannot guarantee that.", "Dat kunnen we niet garanderen."),
        ("Nothing is 100% safe; we do not promise it.", "Geen systeem is volledig veilig."),
        ("We never ask for more than we need.", "We vragen nooit meer dan we nodig hebben."),
        ("99% available", "99% beschikbaar"),
        ("We do not sell your data.", "We verkopen je gegevens niet."),
        ("No system is ever completely safe.", "Niets is ooit helemaal veilig."),
        ("Nobody can guarantee that it is 100% safe.", "Niemand kan garanderen dat het 100% veilig is."),
        ("We can’t promise that it is watertight.", "Wij garanderen dat niet."),
        ("100% safe does not exist.", "100% veilig bestaat niet."),
    ],
)
def test_always_and_never_in_a_harmless_sense_are_left_alone(en, nl):
    assert faults("A17b", en, nl) == []


# -- L11: empty and doubled ------------------------------------------------------------------


def test_an_empty_paragraph_is_found():
    assert sentences("L11", "<p>One.</p>\n<p>\N{NO-BREAK SPACE}</p>", "<p>Eén.</p>") == [
        "There is an empty paragraph or list item. Fill it or take it away."
    ]
    assert faults("L11", "<p>One.</p>\n<ul>\n<li>Two.</li>\n</ul>", "<p>Eén.</p>") == []


def test_a_paragraph_that_stands_in_a_text_twice_is_found():
    doubled = "<p>We ask you first.</p>\n<p>Then we act.</p>\n<p>We ask you first.</p>"

    assert sentences("L11", doubled, "<p>We vragen het je eerst.</p>") == [
        "This stands here, or on this page, twice: “We ask you first.”. Take one of them away."
    ]


def test_a_paragraph_that_stands_in_two_sections_of_a_page_is_found():
    text = "We ask you first, and act only after you have said yes."
    section = {
        "slug": "again",
        "part": "text",
        "heading": {"en": "More", "nl": "Meer"},
        "text": {"en": text, "nl": "-"},
    }
    first = subject(text, "Eerst vragen we het je.").content["pages"]["statement"]

    on_one_page = {"statement": [*first, section], "summary": []}
    on_two_pages = {"statement": first, "summary": [section]}

    assert [fault.place for fault in faults("L11", "-", "-", pages=on_one_page)] == [
        ("pages", "statement", "again", "text")
    ]
    assert faults("L11", "-", "-", pages=on_two_pages) == []


def test_short_words_may_come_back():
    assert faults("L11", "<ul>\n<li>Your name</li>\n<li>Your name</li>\n</ul>", "<p>Naam</p>") == []


# -- L12: outdated protocols -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("We use SSL.", "“SSL”"),
        ("Over TLS 1.0 or better.", "“TLS 1.0”"),
        ("With TLS 1.2, 1.1 and 1.0.", "“TLS 1.2, 1.1”"),
        ("With TLS version 1.1.", "“TLS version 1.1”"),
        ("Connections use TLSv1.0 or TLS1.1.", "“TLSv1.0”, “TLS1.1”"),
        ("We use TLS 1.0 and do not log it.", "“TLS 1.0”"),
        ("We do not log it, but use TLS 1.0.", "“TLS 1.0”"),
        ("Nothing gets out without SSL encryption.", "“SSL”"),
    ],
)
def test_an_outdated_protocol_is_found(text, found):
    assert sentences("L12", text, "Versleuteld.") == [
        f"SSL, TLS 1.0 and TLS 1.1 are no longer safe: {found}. Name TLS 1.2 or later, once only that is used."
    ]


@pytest.mark.parametrize(
    "text",
    [
        "We use TLS 1.2 or 1.3.",
        "We no longer use TLS 1.0.",
        "TLS 1.1 has been disabled.",
        "See 1.1 on TLS.",
        "We do not support SSL, TLS 1.0 and 1.1.",
        "SSL and older versions of TLS are disabled.",
        "Our SSL certificate is renewed each year.",
        "An SSL/TLS certificate proves it.",
    ],
)
def test_what_is_safe_or_switched_off_is_left_alone(text):
    assert faults("L12", text, "Versleuteld.") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Wij gebruiken TLS 1.0 en loggen dat niet.", "“TLS 1.0”"),
        ("Verbindingen gebruiken TLSv1.0 of TLS1.1.", "“TLSv1.0”, “TLS1.1”"),
    ],
)
def test_an_outdated_protocol_is_found_in_dutch(text, found):
    [sentence] = sentences("L12", "Encrypted.", text)

    assert f"no longer safe: {found}." in sentence


@pytest.mark.parametrize(
    "text", ["Wij gebruiken TLS 1.0 niet meer.", "SSL en TLS 1.0 staan uit.", "Het SSL-certificaat van de site."]
)
def test_what_is_safe_or_switched_off_is_left_alone_in_dutch(text):
    assert faults("L12", "Encrypted.", text) == []


# -- L13: promises ---------------------------------------------------------------------------


def rule(slug, period, exceptions=(), follows=None):
    return {"slug": slug, "period": period, "exceptions": list(exceptions), "follows": follows}


def purpose(slug, rules, text="-"):
    return {
        "slug": slug,
        "title": {"en": "Orders", "nl": "Bestellingen"},
        "description": {"en": text, "nl": "-"},
        "retention": [{"rule": name, "applies_when": {"en": "", "nl": ""}, "reason": None} for name in rules],
    }


def test_a_period_that_no_rule_states_is_found():
    assert sentences("L13", "We delete it within two years.", "We wissen het.") == [
        "This names a period that no rule states: 2 years. Correct it, or add the retention rule."
    ]
    assert sentences("L13", "We delete it.", "We bewaren het 6 weken.", retention_rules=[rule("one", "P1Y")]) == [
        "This names a period that no rule states: 6 weeks. Correct it, or add the retention rule."
    ]
    assert sentences("L13", "We delete it after thirty days.", "We wissen het.") == [
        "This names a period that no rule states: 30 days. Correct it, or add the retention rule."
    ]
    assert sentences("L13", "Kept for 0 days.", "-") == [
        "This names a period that no rule states: 0 days. Correct it, or add the retention rule."
    ]


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("We delete it within two years.", {"retention_rules": [rule("one", "P2Y")]}),
        ("We delete it within two years.", {"retention_rules": [rule("one", "P24M")]}),
        ("Invoices are kept for seven years.", {"statutory_exceptions": [{"slug": "tax", "period": "P7Y"}]}),
        (
            "Your answer is kept for six months.",
            {"websites": [{"slug": "shop", "consent_months": 6}]},
        ),
        ("You have an answer within one month.", {}),
        ("At your request we delete it within one month.", {}),
        ("We delete it as soon as we can.", {}),
    ],
)
def test_a_period_that_is_stated_or_that_keeps_nothing_is_left_alone(text, stated):
    assert faults("L13", text, "-", **stated) == []


def test_a_purpose_promises_what_its_own_rules_state():
    rules = [rule("short", "P1Y"), rule("long", "P2Y")]
    promise = "We keep it for two years."

    assert faults("L13", "-", "-", retention_rules=rules, purposes=[purpose("orders", ["long"], promise)]) == []
    assert [
        fault.place
        for fault in faults("L13", "-", "-", retention_rules=rules, purposes=[purpose("orders", ["short"], promise)])
    ] == [("purposes", "orders", "description")]


def test_a_purpose_may_name_the_period_of_the_rule_before_and_of_an_exception():
    rules = [rule("first", "P4W"), rule("then", "P1Y", ["tax"], follows="first")]
    more = {"retention_rules": rules, "statutory_exceptions": [{"slug": "tax", "period": "P7Y"}]}
    promise = "Kept for four weeks, then one year, and invoices for seven years."

    assert faults("L13", "-", "-", purposes=[purpose("orders", ["then"], promise)], **more) == []


# -- All of them -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "See https://[company].example/x.",
        linked("http://[::1"),
        "Kept for 0 days, 0 weeks or P0D.",
        "Kept for 99999999999999999999 days.",
        f"Deleted after {'9' * 5000} years.",
        "Since 31 February 2021, 2021-99-99 and 0000-00-00.",
    ],
)
def test_no_rule_breaks_on_a_text_however_odd(text):
    for code in [code for code in RULES if code.startswith(("L", "A17"))]:
        for draft in [subject(text, "We vragen."), subject("We ask.", text)]:
            for fault in RULES[code].look(draft):
                assert str(fault.sentence)


def test_what_follows_from_structure_is_not_read():
    wording = {"en": "At most 1 year", "nl": "Maximaal 2 jaar"}
    rules = [rule("one", "P1Y") | {"wording": wording, "details": [wording]}]

    assert faults("L5", "-", "-", retention_rules=rules) == []


def test_a_text_in_one_language_is_left_to_the_rule_on_missing_texts():
    for code in ["L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "L8b"]:
        assert faults(code, "Since 25 May 2018 we keep 3 things for two years.", "") == []


def test_a_waiver_lapses_with_a_change_of_either_text():
    first, second = (faults("L3", "99% available", dutch)[0].about for dutch in ("95% beschikbaar", "96% beschikbaar"))

    assert first != second
    assert first


@pytest.mark.parametrize("code", [code for code in RULES if code.startswith(("L", "A17"))])
def test_there_is_one_fault_at_a_place_so_that_one_waiver_answers_for_it(code):
    both = "<p>SSL is 100% safe. 99 things. We delete it within 5 years.</p>\n<p></p>\n<p></p>"
    text = subject(both, both.replace("99", "98").replace("5", "6"))

    assert len({fault.place for fault in RULES[code].look(text)}) == len(list(RULES[code].look(text)))
