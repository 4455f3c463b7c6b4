"""Editors' Markdown to the HTML that is published: a short list of tags, cleaned once."""

import nh3
from markdown_it import MarkdownIt

# CommonMark without what would break the page's outline or fetch something.
_markdown = MarkdownIt("commonmark", {"html": False}).disable(
    [
        "heading",
        "lheading",
        "image",
        "code",
        "fence",
        "backticks",
        "hr",
        "blockquote",
        "reference",
        "html_block",
        "html_inline",
    ]
)
TAGS = {"p", "br", "ul", "ol", "li", "strong", "em", "a"}
SCHEMES = {"https", "mailto", "tel"}


def to_html(text: str) -> str:
    """``text`` as clean HTML: paragraphs, lists, emphasis and links, nothing else."""
    return nh3.clean(
        _markdown.render(text or ""),
        tags=TAGS,
        clean_content_tags={"script", "style"},
        attributes={"a": {"href"}},
        url_schemes=SCHEMES,
        link_rel=None,
    ).strip()
