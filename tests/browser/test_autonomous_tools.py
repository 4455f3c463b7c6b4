"""Programs that refuse on a visitor's behalf work on the banner, in either language.

The one here knows no product. It sees what an assistive tool sees, roles and names in the
accessibility tree, and presses with the mouse what it decides to press. Which real tool was let
loose on the banner, and on those of others: docs/benchmarks.md.
"""

import re
import threading
from dataclasses import dataclass

import pytest

from consent.demo.servers import Site
from consent.models import ConsentRecord

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGE = """<!doctype html>
<html lang="LANGUAGE">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>A web site</title>
<script src="$banner" async></script></head>
<body><h1>A web site</h1><button type="button">Send</button></body>
</html>"""

# What such a program goes by, whatever the page's language.
ABOUT_COOKIES = re.compile(r"cookie|consent|toestemming", re.IGNORECASE)
REFUSAL = re.compile(
    r"(reject|refuse|decline|deny)( all| everything)?( cookies)?"
    r"|(alles|alle cookies) (weigeren|afwijzen)|(weiger|weigeren|afwijzen)( alles)?",
    re.IGNORECASE,
)
SETTINGS = re.compile(r"(manage|change) (preferences|settings|choices)|(zelf|voorkeuren) instellen", re.IGNORECASE)


@dataclass
class Node:
    """A node of the accessibility tree: no tag, no class, no attribute."""

    role: str
    name: str
    place: int
    children: list["Node"]

    def within(self):
        """This node and all in it."""
        yield self
        for child in self.children:
            yield from child.within()


class Tool:
    """Refuses in the first dialog that speaks of cookies."""

    def __init__(self, page):
        self.page = page
        self.session = page.context.new_cdp_session(page)
        self.session.send("DOM.enable")
        self.session.send("Accessibility.enable")

    def tree(self):
        nodes = {node["nodeId"]: node for node in self.session.send("Accessibility.getFullAXTree")["nodes"]}

        def read(node):
            return Node(
                role=node.get("role", {}).get("value", "") if not node["ignored"] else "",
                name=node.get("name", {}).get("value", "") if not node["ignored"] else "",
                place=node.get("backendDOMNodeId", 0),
                children=[read(nodes[child]) for child in node.get("childIds", []) if child in nodes],
            )

        return read(next(node for node in nodes.values() if "parentId" not in node))

    def dialogs(self):
        return [
            node
            for node in self.tree().within()
            if node.role in {"dialog", "alertdialog"}
            and ABOUT_COOKIES.search(" ".join(inner.name for inner in node.within()))
        ]

    def buttons(self, pattern):
        """The buttons in those dialogs whose whole name is as in ``pattern``."""
        return [
            node
            for dialog in self.dialogs()
            for node in dialog.within()
            if node.role == "button" and pattern.fullmatch(node.name)
        ]

    def until(self, look):
        """What ``look()`` finds, as soon as it finds anything."""
        for _attempt in range(500):
            if found := look():
                return found
            self.page.wait_for_timeout(30)
        return look()

    def await_one(self, pattern):
        found = self.until(lambda: self.buttons(pattern))
        assert len(found) == 1, [node.name for node in found]
        return found[0]

    def press(self, pattern):
        """A press in the middle of the one such button."""
        quad = self.session.send("DOM.getBoxModel", {"backendNodeId": self.await_one(pattern).place})["model"]["border"]
        self.page.mouse.click(sum(quad[::2]) / 4, sum(quad[1::2]) / 4)


@pytest.fixture
def visit(site, published, settings, browser_page):
    """A page in a language of a foreign web site: ``visit(language, width=…)`` → the tool on it."""
    pages = {f"/{language}/": PAGE.replace("LANGUAGE", language) for language in ("en", "nl")}
    server = Site(0, banner=f"{site}/embed/website.js", vendor=site, more=pages)
    settings.DEMO_ORIGINS = [server.origin]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()

    def go(language, width=1280):
        browser_page.set_viewport_size({"width": width, "height": 568})
        browser_page.goto(f"{server.origin}/{language}/")
        return Tool(browser_page)

    yield go
    server.shutdown()
    thread.join()
    server.server_close()


def recorded(tool):
    """What was recorded, as soon as anything is."""
    return tool.until(lambda: list(ConsentRecord.objects.all()))


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_program_that_sees_roles_and_names_alone_refuses_in_one_press(visit, language, width):
    tool = visit(language, width)
    tool.press(REFUSAL)

    [record] = recorded(tool)
    assert (record.action, record.language, record.subject) == ("reject_all", language, None)
    assert set(record.choices.values()) == {False}


@pytest.mark.parametrize("language", ["en", "nl"])
def test_it_finds_one_refusal_in_the_second_layer_too(visit, language):
    """Not that of the first layer behind it as well."""
    tool = visit(language)
    first = tool.await_one(REFUSAL).place
    tool.press(SETTINGS)
    assert tool.until(lambda: first not in [node.place for node in tool.buttons(REFUSAL)])
    tool.press(REFUSAL)

    assert [record.action for record in recorded(tool)] == ["reject_all"]


def test_it_has_nothing_left_to_do_on_the_next_page(visit):
    tool = visit("en")
    tool.press(REFUSAL)
    recorded(tool)
    tool = visit("nl")
    ways_back = tool.until(
        lambda: [node for node in tool.tree().within() if node.role == "button" and ABOUT_COOKIES.search(node.name)]
    )

    assert len(ways_back) == 1
    assert tool.dialogs() == []
    assert len(recorded(tool)) == 1


def test_a_program_that_reads_the_markup_meets_no_shadow_root(visit):
    """Most programs do not look into one, open or closed."""
    tool = visit("en")
    tool.await_one(REFUSAL)
    document = tool.session.send("DOM.getDocument", {"depth": -1, "pierce": True})["root"]
    nodes, roots = [document], []
    while nodes:
        node = nodes.pop()
        nodes += node.get("children", [])
        # Those of the browser's own controls are nobody's to see.
        roots += [node["nodeName"] for root in node.get("shadowRoots", []) if root["shadowRootType"] != "user-agent"]

    assert roots == []
