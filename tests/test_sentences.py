"""Two texts as one: nothing is lost, and what stayed the same is recognised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.sentences import Paragraph, Shape, compare_texts, excerpt, plain, replace, rich

TEXTS = st.lists(st.text("ab .!?\n,'", max_size=40), max_size=4).map("\n".join)


def marked(blocks):
    marks = {"same": "{}", "added": "[+{}]", "removed": "[-{}]"}
    return ["".join(marks[piece.status].format(piece.text) for piece in block.pieces) for block in blocks]


def side(blocks, status):
    """What one of the two texts said, without its spaces."""
    return "".join(
        piece.text for block in blocks for piece in block.pieces if piece.status in {"same", status}
    ).replace(" ", "")


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_from_the_comparison(before, now):
    for merge in (compare_texts, replace):
        blocks = merge(plain(before), plain(now))

        assert side(blocks, "removed") == "".join(before.split())
        assert side(blocks, "added") == "".join(now.split())


@given(TEXTS)
def test_a_text_beside_itself_is_the_same(text):
    for merge in (compare_texts, replace):
        assert not any(block.is_changed for block in merge(plain(text), plain(text)))
        assert excerpt(merge(plain(text), plain(text))) == ()


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ("We call you.", "We call you soon.", ["We call you [+soon]."]),
        ("One. Two. Three.", "One. Three.", ["One. [-Two.] Three."]),
        ("He said “no.” We left.", "He said “no.” We stayed on.", ["He said “no.” We [-left][+stayed on]."]),
        ("Kept for 1 year.", "Kept for 2 years.", ["Kept for [-1 year][+2 years]."]),
        ("Kept for 1 year.", "Nobody sees it.", ["[-Kept for 1 year.]", "[+Nobody sees it.]"]),
        ("Same. Kept for 1 year.", "Same. Nobody sees it.", ["Same. [-Kept for 1 year.] [+Nobody sees it.]"]),
        ("a\nb", "b\na", ["[+b]", "a", "[-b]"]),
        ("", "New.", ["[+New.]"]),
    ],
)
def test_sentences_that_stay_are_told_from_those_that_change(before, now, said):
    assert marked(compare_texts(plain(before), plain(now))) == said


def test_a_value_is_replaced_as_a_whole_but_the_items_of_a_list_stand_apart():
    item = [Paragraph(Shape.ITEM, "1 year")], [Paragraph(Shape.ITEM, "2 years")]

    assert marked(replace(plain("1 year"), plain("2 years"))) == ["[-1 year][+2 years]"]
    assert marked(replace(*item)) == ["[-1 year]", "[+2 years]"]


def test_published_html_is_read_as_paragraphs_items_and_addresses():
    html = (
        '<p>See <a href="https://a.example/x">us</a> &amp; <strong>others</strong>,<br>or '
        '<a href="mailto:a@b.example">a@b.example</a>.</p>\n'
        "<ol>\n<li>one</li>\n<li>\n<p>two</p>\n<p>more</p>\n</li>\n</ol>"
    )

    assert rich(html) == [
        ("paragraph", "See us (https://a.example/x) & others, or a@b.example."),
        ("item", "one"),
        ("item", "two"),
        ("paragraph", "more"),
    ]


def test_of_very_long_texts_the_parts_that_changed_are_not_weighed_against_each_other():
    before, now = ("\n".join(f"{word} {number}" for number in range(100)) for word in ("old", "new"))

    assert len(compare_texts(plain(before), plain(now))) == 200
