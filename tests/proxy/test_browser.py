"""The proxy's page as a browser sees it."""

from __future__ import annotations

import shutil

import pytest
from browser import Browser
from proxies import running
from upstream import Reply

from llmc.store import Store

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(not PROGRAM, reason="not installed: chromium")

TOKEN = "correct-horse"
OWNED = "document.title = 'owned'"
ADVICE = {("network", "error"), ("recommendation", "verbose"), ("other", "verbose")}
HOSTILE = f'<script>{OWNED}</script>"><img src=x onerror="{OWNED}">\'><svg onload={OWNED}>'


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    browser = Browser(PROGRAM, tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.stop()


@pytest.fixture
def browser(chromium):
    """The browser, which knows nobody."""
    chromium.send("Network.clearBrowserCookies")
    chromium.events.clear()
    return chromium


@pytest.fixture
def proxy(upstream):
    with running(tokens=TOKEN) as proxy:
        yield proxy


def ask(proxy, text):
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    proxy.ask(body, authorization=f"Bearer {TOKEN}")


def home(proxy):
    return proxy.url.removesuffix("v1")


def enter(browser, proxy):
    """Open the page as a person does: with the token, in the form that asks for it."""
    browser.open(home(proxy))
    browser.say(f"document.querySelector('[name=token]').value = '{TOKEN}'")
    browser.press("button")


def text_of(browser):
    return browser.say("document.body.innerText")


def complaints(browser):
    """What the browser said of the page's content: violations of its policy are among it."""
    told = browser.told("Log.entryAdded", "Runtime.exceptionThrown", "Page.javascriptDialogOpening")
    entries = [each.get("entry", {}) for each in told]
    return [e for e in entries if (e.get("source"), e.get("level")) not in ADVICE]


def test_it_shows_what_was_saved_and_what_was_asked(browser, proxy):
    ask(proxy, "which colour has the sky?")
    ask(proxy, "which colour has the sky?")
    enter(browser, proxy)

    told = text_of(browser)
    assert "Savings" in told
    assert told.count("which colour has the sky?") == 2
    assert {"exact", "model"} & set(told.split())
    assert browser.say("document.querySelector('meter').value") == 1
    assert browser.say("getComputedStyle(document.querySelector('.n')).textAlign") == "right"
    assert complaints(browser) == []


def test_what_is_stored_does_nothing(browser, proxy, upstream):
    upstream.will(Reply(HOSTILE))
    ask(proxy, HOSTILE)
    enter(browser, proxy)
    browser.say("document.querySelectorAll('details').forEach(each => each.open = true)")

    assert text_of(browser).count("onerror") == 2
    assert browser.say("document.title") == "llmc"
    assert browser.say("document.querySelectorAll('script, img, svg').length") == 0
    assert complaints(browser) == []


def test_it_asks_for_nothing_from_elsewhere(browser, proxy):
    ask(proxy, "why?")
    enter(browser, proxy)

    asked = [sent["request"]["url"] for sent in browser.told("Network.requestWillBeSent")]
    assert {url.partition("?")[0] for url in asked} <= {home(proxy), home(proxy) + "login"}


def test_its_policy_would_stop_a_script(browser, proxy):
    enter(browser, proxy)
    made = f"Object.assign(document.createElement('script'), {{text: \"{OWNED}\"}})"
    browser.say(f"document.body.append({made})")

    assert browser.say("document.title") == "llmc"
    assert "Content Security Policy" in complaints(browser)[0]["text"]


def test_a_search_finds_words(browser, proxy):
    ask(proxy, "Capital of Peru?")
    ask(proxy, "why?")
    enter(browser, proxy)
    browser.say("document.querySelector('[name=q]').value = 'peru'")
    browser.press("form:has([name=q]) button")

    told = text_of(browser)
    assert "Capital of Peru?" in told
    assert "why?" not in told
    assert browser.say("document.querySelector('[name=q]').value") == "peru"


def test_a_press_of_the_button_forgets(browser, proxy, db):
    ask(proxy, "why?")
    enter(browser, proxy)
    browser.press("form[action='/forget'] button")

    assert "not stored" in text_of(browser)
    assert browser.say("document.querySelector('[action=\"/forget\"]')") is None
    with Store(str(db)) as store:
        assert store.count() == 0


def test_without_the_token_there_is_nothing_to_see_and_to_press(browser, proxy):
    ask(proxy, "why?")
    browser.open(home(proxy))

    assert "why?" not in text_of(browser)
    assert browser.say("document.forms.length") == 1


def test_where_no_token_is_set_the_page_is_there_to_be_read(browser, upstream):
    with running() as proxy:
        ask(proxy, "why?")
        browser.open(home(proxy))

        assert "why?" in text_of(browser)
        assert browser.say("document.querySelector('[action=\"/forget\"]')") is None
