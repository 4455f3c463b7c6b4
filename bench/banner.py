"""Our banner beside others, in one run: what it weighs, when it stands there, who can refuse on it.

    make bench                 the tables in Markdown on standard output
    make bench > results.md    only them; progress goes to standard error

Exit code 1 where one of our budgets is broken. What is measured and how: docs/benchmarks.md.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

from tests.suite import find_browser

from . import autonomous
from .content import LANGUAGES, Content, content_of, fullest_website
from .packages import NotFetched
from .products import RIVALS, Product, no_banner, ours
from .serving import ask, files_server, our_site
from .visiting import SLOWER_PROCESSOR, Facts, Moments, NotTheSame, Visitor

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    # Some banners do not ask browsers that say that a program drives them.
    "--disable-blink-features=AutomationControlled",
]
ROUNDS = 7
TIMED_LANGUAGE = "en"


@dataclass
class Result:
    """All that was found out about one product."""

    product: Product
    facts: dict[str, Facts] = field(default_factory=dict)
    moments: list[Moments] = field(default_factory=list)
    refusals: dict[bool, dict[str, str]] = field(default_factory=dict)

    def heaviest(self, value: Callable[[Facts], float]) -> float:
        """Of both languages, the one that costs more."""
        return max(value(facts) for facts in self.facts.values())

    def median(self, name: str) -> float:
        return statistics.median(getattr(moment, name) for moment in self.moments)

    def best(self, name: str) -> float:
        return min(getattr(moment, name) for moment in self.moments)


@dataclass(frozen=True)
class Budget:
    """What section 8 of the design allows us."""

    name: str
    value: Callable[[Facts], float]
    limit: float


BUDGETS = [
    Budget("requests on a first visit", lambda facts: facts.first.requests, 1),
    Budget("bytes on a first visit (Brotli)", lambda facts: facts.first.brotli, 6 * 1024),
    Budget("bytes with the second layer (Brotli)", lambda facts: facts.opened.brotli, 10 * 1024),
    Budget("requests before release on a later visit", lambda facts: facts.later_before_release, 0),
    Budget("layout shift", lambda facts: facts.layout_shift, 0),
    Budget("requests to others", lambda facts: facts.foreign_requests, 0),
    Budget("cookies before a choice", lambda facts: facts.cookies_before_choice, 0),
]

ROWS: list[tuple[str, Callable[[Facts], float], str]] = [
    ("first visit: requests", lambda facts: facts.first.requests, "{:.0f}"),
    ("… kB raw", lambda facts: facts.first.raw / 1024, "{:.1f}"),
    ("… kB gzip", lambda facts: facts.first.gzip / 1024, "{:.1f}"),
    ("… kB Brotli", lambda facts: facts.first.brotli / 1024, "{:.1f}"),
    ("with the second layer opened: requests", lambda facts: facts.opened.requests, "{:.0f}"),
    ("… kB raw", lambda facts: facts.opened.raw / 1024, "{:.1f}"),
    ("… kB gzip", lambda facts: facts.opened.gzip / 1024, "{:.1f}"),
    ("… kB Brotli", lambda facts: facts.opened.brotli / 1024, "{:.1f}"),
    ("later visit: requests over the network", lambda facts: facts.later_requests, "{:.0f}"),
    ("… before held scripts run", lambda facts: facts.later_before_release, "{:.0f}"),
    ("… with an emptied cache", lambda facts: facts.emptied_before_release, "{:.0f}"),
    ("layout shift", lambda facts: facts.layout_shift, "{:g}"),
    ("requests to others", lambda facts: facts.foreign_requests, "{:.0f}"),
    ("cookies before a choice", lambda facts: facts.cookies_before_choice, "{:.0f}"),
]
# What the page alone takes is subtracted; it never paints a banner.
MOMENTS = [
    ("banner's first paint, ms", "paint"),
    ("… on a slow mobile network, ms", "paint_on_mobile"),
    ("main thread, ms", "tasks"),
    ("… in scripts, ms", "scripts"),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="timed rounds after a warm-up (%(default)s)")
    rounds = max(1, parser.parse_args().rounds)
    found = find_browser()
    if found is None:
        sys.exit("Chromium is needed: set CHROME_PATH, or install it (on Debian and Ubuntu: apt-get install chromium).")
    os.environ.update(found)
    with (
        tempfile.TemporaryDirectory(prefix="privacy-bench-") as directory,
        files_server() as files,
        our_site(Path(directory), embedded_by=files.origin) as site,
        sync_playwright() as playwright,
    ):
        document = json.loads(ask(f"{site}/statement.json")[2])["document"]
        website = fullest_website(document)
        content = content_of(document, website)
        script = f"{site}/embed/{website}.js"
        status, headers, _body = ask(script)
        if status != 200:
            sys.exit(f"The site answers {status} for its banner.")
        files.cache_control = headers["cache-control"]
        products, remark = _products(script, content)
        for product in [*products, no_banner()]:
            files.offer(product)
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROME_PATH"), args=ARGUMENTS)
        visitor = Visitor(browser, files.origin, site)
        results, alone = [Result(product) for product in products], Result(no_banner())
        _find_facts(visitor, results, content)
        _let_tools_refuse(visitor, results, content)
        _time(visitor, results, alone, content[TIMED_LANGUAGE], rounds)
        _print(results, alone, content[TIMED_LANGUAGE], rounds, f"Chromium {browser.version}", remark)
        browser.close()
    broken = _broken(results[0])
    for sentence in broken:
        print(f"Over budget: {sentence}", file=sys.stderr)
    return 1 if broken else 0


# -- Measuring -----------------------------------------------------------------------------------


def _products(script: str, content: dict[str, Content]) -> tuple[list[Product], str]:
    """Ours first, then the rivals that could be had; and a remark where one could not."""
    products, remark = [ours(script)], ""
    for rival in RIVALS:
        try:
            products.append(rival(content))
        except NotFetched as error:
            remark = f"Not compared with all: {error}"
    return products, remark


def _find_facts(visitor: Visitor, results: list[Result], content: dict[str, Content]) -> None:
    for result in results:
        for language in LANGUAGES:
            _tell(f"{result.product.name}: visits, {language}")
            try:
                result.facts[language] = visitor.facts(result.product, content[language], language)
            except (NotTheSame, Error) as error:
                sys.exit(f"{result.product.name} does not work in the bench ({language}): {error}")


def _let_tools_refuse(visitor: Visitor, results: list[Result], content: dict[str, Content]) -> None:
    for result in results:
        for with_rules in (False, True):
            _tell(f"{result.product.name}: {autonomous.NAME}")
            try:
                result.refusals[with_rules] = {
                    language: autonomous.refuses(visitor, result.product, said, language, with_rules=with_rules)
                    for language, said in content.items()
                }
            except NotFetched as error:
                _tell(str(error))
                return


def _time(visitor: Visitor, results: list[Result], alone: Result, said: Content, rounds: int) -> None:
    """All in turn in each round, so that a busy moment of the machine meets all of them."""
    for number in range(rounds + 1):
        _tell(f"round {number} of {rounds}" if number else "warm-up")
        for result in [alone, *results]:
            tasks, scripts = visitor.work(result.product, TIMED_LANGUAGE)
            moments = Moments(tasks=tasks, scripts=scripts)
            if result is not alone:
                moments.paint = visitor.paint(result.product, said, TIMED_LANGUAGE, mobile=False)
                moments.paint_on_mobile = visitor.paint(result.product, said, TIMED_LANGUAGE, mobile=True)
            if number:
                result.moments.append(moments)


def _broken(mine: Result) -> list[str]:
    """Our budgets that do not hold, a sentence each."""
    broken = [
        f"{budget.name}: {mine.heaviest(budget.value):g}, allowed are {budget.limit:g}."
        for budget in BUDGETS
        if mine.heaviest(budget.value) > budget.limit
    ]
    return broken + [
        f"{autonomous.NAME} did not refuse in {language}: {reason}."
        for languages in mine.refusals.values()
        for language, reason in languages.items()
        if reason
    ]


# -- Telling -------------------------------------------------------------------------------------


def _print(results: list[Result], alone: Result, said: Content, rounds: int, browser: str, remark: str) -> None:
    print("## The banner\n")
    print(
        f"{len(said.categories)} categories, {len(said.vendors)} vendors, English and Dutch, the same texts in all. "
        f"{browser}, {_machine()}, Python {platform.python_version()}. "
        f"Moments: processor slowed {SLOWER_PROCESSOR} times, median (best) of {rounds} rounds. In brackets after ×: "
        "how many times ours.\n"
    )
    if remark:
        print(f"{remark}\n")
    _row("", [f"{result.product.name} {result.product.version}" for result in results])
    _row("---", ["---:" for _result in results])
    for title, value, form in ROWS:
        values = [result.heaviest(value) for result in results]
        _row(title, [form.format(number) + _ratio(number, values[0]) for number in values])
    for title, name in MOMENTS:
        numbers = [
            (result.median(name) - alone.median(name), result.best(name) - alone.best(name)) for result in results
        ]
        _row(title, [f"{median:.0f} ({best:.0f}){_ratio(median, numbers[0][0])}" for median, best in numbers])
    for with_rules, title in ((False, "by looks and words alone"), (True, "with its rules for products")):
        _row(
            f"{autonomous.NAME} refuses, {title}: en, nl",
            [_refusals(result.refusals.get(with_rules)) for result in results],
        )


def _row(title: str, cells: list[str]) -> None:
    print(f"| {' | '.join([title, *cells])} |")


def _ratio(value: float, mine: float) -> str:
    return f" (×{value / mine:.1f})" if mine > 0 and value != mine else ""


def _refusals(refusals: dict[str, str] | None) -> str:
    if refusals is None:
        return "not tried"
    return ", ".join(f"no: {reason}" if reason else "yes" for reason in refusals.values())


def _machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, {platform.system()} {platform.machine()}"


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
