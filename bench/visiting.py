"""Visits in Chromium, and what they cost: requests, bytes, shifts, moments.

All banners are seen through the same eyes: a banner stands there once a control with the word for
refusing, the same word in all, is visible within the window.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, CDPSession, ElementHandle, Page

from .content import Content
from .products import HELD_SCRIPT, Product
from .serving import ask

SLOWER_PROCESSOR = 4
# What Lighthouse calls slow 4G: 150 ms for each request, 1.6 Mbit/s down, 750 kbit/s up.
MOBILE_NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 204_800, "uploadThroughput": 96_000}
# After the banner stands, so that what a product does a little later is counted too.
REST_MS = 1_000
# From the start of a page: longer than the slowest banner takes to come to rest.
WINDOW_MS = 3_000

EYES = """
window.bench = {
  shift: 0,
  find(word) {
    const isShown = (element) => {
      if (!element.textContent.includes(word)) return false;
      if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
      const { top, left, bottom, right } = element.getBoundingClientRect();
      return right > left && bottom > top && bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
    };
    return [...document.querySelectorAll("button, a, [role=button]")].find(isShown) ?? null;
  },
};
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) bench.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
# The task after the frame in which the control is there for the first time.
WATCH = """
{
  const look = () => {
    if (!bench.find(WORD)) return requestAnimationFrame(look);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { bench.painted = performance.now(); };
    port2.postMessage(null);
  };
  requestAnimationFrame(look);
}
"""
# Text in the page, shown or folded, and the addresses of its links.
WHOLE_TEXT = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const parts = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.parentElement.closest("script, style, template")) parts.push(node.data);
  }
  const links = [...document.links].map((link) => link.href);
  return { text: parts.join(" ").replace(/\\s+/g, " "), links };
}"""


class NotTheSame(Exception):
    """A banner does not say what the others say, so that its numbers would prove nothing."""


@dataclass
class Traffic:
    """The requests of a page other than itself, in order; those that reached the network."""

    session: CDPSession
    addresses: dict[str, str] = field(default_factory=dict)
    cached: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.session.on("Network.requestWillBeSent", self._sent)
        self.session.on("Network.requestServedFromCache", lambda event: self.cached.add(event["requestId"]))
        self.session.on("Network.responseReceived", self._received)
        self.session.send("Network.enable")

    def _sent(self, event: dict[str, Any]) -> None:
        address = event["request"]["url"]
        if event.get("type") != "Document" and address.startswith("http"):
            self.addresses[event["requestId"]] = address

    def _received(self, event: dict[str, Any]) -> None:
        if event["response"].get("fromDiskCache"):
            self.cached.add(event["requestId"])

    def network(self) -> list[str]:
        return [address for request, address in self.addresses.items() if request not in self.cached]


@dataclass
class Weight:
    """What the files at some addresses weigh, in bytes, sent as a browser may ask for them."""

    requests: int
    raw: int
    gzip: int
    brotli: int


@dataclass
class Later:
    """A visit by who has accepted before: what went over the network, what of it before held scripts ran."""

    network: list[str]
    before_release: int
    layout_shift: float


@dataclass
class Facts:
    """What does not depend on the speed of a machine."""

    first: Weight
    opened: Weight
    cookies_before_choice: int
    foreign_requests: int
    layout_shift: float
    later_requests: int
    later_before_release: int
    emptied_before_release: int


@dataclass
class Moments:
    """Milliseconds on a slowed processor: of the main thread, and until the banner stands."""

    tasks: float
    scripts: float
    paint: float = 0
    paint_on_mobile: float = 0


class Visitor:
    """A browser that visits the pages of ``origin``; our own site stands at ``site``."""

    def __init__(self, browser: Browser, origin: str, site: str) -> None:
        self.browser = browser
        self.origin = origin
        self.own_hosts = {urlsplit(origin).netloc, urlsplit(site).netloc}

    @contextmanager
    def fresh(self) -> Iterator[BrowserContext]:
        """A browser that has never been anywhere."""
        context = self.browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
        context.set_default_timeout(20_000)
        context.add_init_script(EYES)
        try:
            yield context
        finally:
            context.close()

    def address(self, product: Product, language: str) -> str:
        return f"{self.origin}/{product.key}/{language}.html"

    # -- What does not depend on speed ----------------------------------------------------------

    def facts(self, product: Product, said: Content, language: str) -> Facts:
        """A first visit with the second layer opened, and two later ones after accepting all."""
        with self.fresh() as context:
            page, traffic = self._open(context, product, language)
            await_banner(page, said)
            page.wait_for_timeout(REST_MS)
            first = list(traffic.addresses.values())
            cookies = len(context.cookies())
            _require(page, said.first_layer, [], product)

            press(page, said.words["manage"])
            _await_text(page, said, product)
            page.wait_for_timeout(REST_MS)
            opened = list(traffic.addresses.values())
            shift = page.evaluate("bench.shift")

        with self.fresh() as context:
            page, traffic = self._open(context, product, language)
            await_banner(page, said)
            page.wait_for_timeout(REST_MS)
            press(page, said.words["accept"])
            _await_release(page)
            page.close()

            later = self._later(context, product, language)
            page = context.new_page()
            context.new_cdp_session(page).send("Network.clearBrowserCache")
            page.close()
            emptied = self._later(context, product, language)

        every = {*opened, *later.network, *emptied.network}
        return Facts(
            first=weigh(first),
            opened=weigh(opened),
            cookies_before_choice=cookies,
            foreign_requests=sum(urlsplit(address).netloc not in self.own_hosts for address in every),
            layout_shift=round(shift + later.layout_shift + emptied.layout_shift, 4),
            later_requests=len([address for address in later.network if not address.endswith(HELD_SCRIPT)]),
            later_before_release=later.before_release,
            emptied_before_release=emptied.before_release,
        )

    def _later(self, context: BrowserContext, product: Product, language: str) -> Later:
        page, traffic = self._open(context, product, language)
        _await_release(page)
        page.wait_for_timeout(REST_MS)
        addresses = list(traffic.addresses.items())
        release = next(place for place, (_request, address) in enumerate(addresses) if address.endswith(HELD_SCRIPT))
        before = [request for request, _address in addresses[:release] if request not in traffic.cached]
        later = Later(traffic.network(), len(before), page.evaluate("bench.shift"))
        page.close()
        return later

    # -- What does ------------------------------------------------------------------------------

    def paint(self, product: Product, said: Content, language: str, *, mobile: bool) -> float:
        """Milliseconds from navigation to the end of the frame that shows the banner first."""
        with self.fresh() as context:
            context.add_init_script(WATCH.replace("WORD", json.dumps(said.words["reject"])))
            page, session = self._slowed(context)
            if mobile:
                session.send("Network.emulateNetworkConditions", MOBILE_NETWORK)
            page.goto(self.address(product, language))
            page.wait_for_function("bench.painted")
            return float(page.evaluate("bench.painted"))

    def work(self, product: Product, language: str) -> tuple[float, float]:
        """Milliseconds of all tasks of the main thread, and of those in scripts, within the window."""
        with self.fresh() as context:
            page, session = self._slowed(context)
            session.send("Performance.enable")
            before = _metrics(session)
            page.goto(self.address(product, language))
            page.wait_for_timeout(WINDOW_MS)
            after = _metrics(session)
            tasks, scripts = ((after[name] - before[name]) * 1000 for name in ("TaskDuration", "ScriptDuration"))
            return tasks, scripts

    # -- Pages ----------------------------------------------------------------------------------

    def _open(self, context: BrowserContext, product: Product, language: str) -> tuple[Page, Traffic]:
        page = context.new_page()
        traffic = Traffic(context.new_cdp_session(page))
        page.goto(self.address(product, language))
        return page, traffic

    def _slowed(self, context: BrowserContext) -> tuple[Page, CDPSession]:
        """A page whose process is up and slowed, so that a navigation measures just itself."""
        page = context.new_page()
        page.goto(f"{self.origin}/blank.html")
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER_PROCESSOR})
        return page, session


def weigh(addresses: list[str]) -> Weight:
    sizes = {
        encoding: sum(len(ask(address, encoding)[2]) for address in addresses)
        for encoding in ("identity", "gzip", "br")
    }
    return Weight(len(addresses), sizes["identity"], sizes["gzip"], sizes["br"])


def await_banner(page: Page, said: Content) -> None:
    page.wait_for_function("word => bench.find(word)", arg=said.words["reject"])


def press(page: Page, word: str) -> None:
    """The first control in view that bears ``word``, with the mouse."""
    handle = page.evaluate_handle("word => bench.find(word)", word)
    element: ElementHandle | None = handle.as_element()
    if element is None:
        raise NotTheSame(f"There is no control “{word}”.")
    element.click()


def has_run(page: Page) -> bool:
    """Whether the script that was held back has run."""
    return bool(page.evaluate("Boolean(window.heldRan)"))


def _await_release(page: Page) -> None:
    page.wait_for_function("window.heldRan")


def _await_text(page: Page, said: Content, product: Product) -> None:
    """Until the second layer says all that it should; its parts may be folded."""
    last = said.vendors[-1]
    page.wait_for_function(
        "words => words.every(word => document.body.textContent.includes(word))",
        arg=[last.name, last.company, last.purpose],
    )
    _require(page, said.second_layer, [vendor.privacy_url for vendor in said.vendors], product)


def _require(page: Page, words: list[str], links: list[str], product: Product) -> None:
    found = page.evaluate(WHOLE_TEXT)
    missing = [word for word in words if " ".join(word.split()) not in found["text"]]
    missing += [link for link in links if link not in found["links"]]
    if missing:
        raise NotTheSame(f"{product.name} does not say: {', '.join(missing)}")


def _metrics(session: CDPSession) -> dict[str, float]:
    return {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}
