"""Autoconsent, DuckDuckGo's tool that refuses on a visitor's behalf, let loose on a banner.

Its content script runs in the page as in its own tests. It gets no rules that know products, so
that it has to recognise the banner and its refusal by looks and words alone; or all its rules.
"""

import json
from typing import Any

from .content import Content
from .packages import AUTOCONSENT
from .products import Product
from .visiting import Visitor, has_run

NAME = f"Autoconsent {AUTOCONSENT.version} (DuckDuckGo)"
CONFIG = {
    "enabled": True,
    "autoAction": "optOut",
    "enablePrehide": False,
    # Hiding a banner is no refusal.
    "enableCosmeticRules": False,
    "heuristicMode": "reject",
    "detectRetries": 20,
}
# The half of the tool that is the browser extension's background: it answers the content script.
BACKGROUND = """
window.autoconsentSendMessage = async (message) => {
  note(message);
  const answer = (more) => setTimeout(() => autoconsentReceiveMessage(more));
  if (message.type === "init") answer({ type: "initResp", config: CONFIG, rules: { autoconsent: RULES } });
  if (message.type === "eval") answer({ type: "evalResp", id: message.id, result: (0, eval)(message.code) });
};
"""
PATIENCE_MS = 15_000
REST_MS = 1_500


def refuses(visitor: Visitor, product: Product, said: Content, language: str, *, with_rules: bool) -> str:
    """Empty where the tool has refused, lastingly; else what happened instead."""
    rules = json.loads(AUTOCONSENT.read("rules/rules.json"))["autoconsent"] if with_rules else []
    background = BACKGROUND.replace("CONFIG", json.dumps(CONFIG)).replace("RULES", json.dumps(rules))
    messages: list[dict[str, Any]] = []
    with visitor.fresh() as context:
        page = context.new_page()
        page.expose_function("note", lambda message: messages.append(message))
        page.add_init_script(background + AUTOCONSENT.read("dist/autoconsent.playwright.js").decode())
        page.goto(visitor.address(product, language))
        for _attempt in range(PATIENCE_MS // 250):
            page.wait_for_timeout(250)
            if any(message["type"] == "optOutResult" for message in messages):
                break
        page.wait_for_timeout(REST_MS)  # for what a product delivers after the press
        page.close()
        if not any(message["type"] == "optOutResult" and message["result"] for message in messages):
            return f"gave up after {messages[-1]['type'] if messages else 'nothing'}"

        page = context.new_page()
        page.goto(visitor.address(product, language))
        page.wait_for_timeout(REST_MS)
        if has_run(page):
            return "the held script ran"
        return "was asked again" if page.evaluate("word => bench.find(word) !== null", said.words["reject"]) else ""
