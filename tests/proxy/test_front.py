from __future__ import annotations

import re

import pytest
from proxies import running

from llmc.store import Store

HTML = "<script>alert(1)</script>"


def about(text):
    return {"model": "m", "messages": [{"role": "user", "content": text}]}


@pytest.fixture
def proxy(upstream):
    with running() as proxy:
        yield proxy


@pytest.fixture
def guarded(upstream):
    """A proxy with a token, and a browser that has not shown it."""
    with running(tokens="correct-horse") as proxy:
        yield proxy


def home(proxy):
    return proxy.url.removesuffix("v1")


def asked(proxy, text="why?", token="correct-horse"):
    return proxy.ask(about(text), authorization=f"Bearer {token}")


def test_a_sign_of_life_needs_no_token(guarded):
    answer = guarded.http.get(home(guarded) + "healthz", headers={"host": "anything"})

    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_figures_are_in_the_form_that_prometheus_reads(proxy):
    proxy.ask(), proxy.ask()
    proxy.ask(b"{")

    figures = proxy.http.get(home(proxy) + "metrics")

    lines = figures.text.splitlines()
    assert figures.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'llmc_requests_total{source="exact"} 1' in lines
    assert 'llmc_requests_total{source="model"} 1' in lines
    assert 'llmc_errors_total{status="400"} 1' in lines
    assert "llmc_upstream_calls_total 1" in lines
    assert all(re.fullmatch(r"# (HELP|TYPE) \S+ .+|[a-z_]+({[^}]+})? [\d.e+-]+", x) for x in lines)


def test_figures_and_page_need_the_token_where_there_is_one(guarded):
    asked(guarded)

    figures, page = (guarded.http.get(home(guarded) + path) for path in ("metrics", ""))

    assert [figures.status_code, page.status_code] == [401, 401]
    assert "why?" not in page.text


def test_without_a_token_the_page_is_read_only(proxy):
    proxy.ask(about("why?"))

    page = proxy.http.get(home(proxy))
    refused = proxy.http.post(home(proxy) + "forget", data={"id": "1"})

    assert "why?" in page.text
    assert "Forget" not in page.text
    assert refused.status_code == 403
    assert proxy.ask(about("why?")).headers["x-llmc-source"] == "exact"


@pytest.mark.parametrize("by_form", [True, False])
def test_opened_with_the_token_it_forgets(guarded, db, by_form):
    asked(guarded)
    browser = guarded.http
    if by_form:
        opened = browser.post(home(guarded) + "login", data={"token": "correct-horse"})
    else:
        opened = browser.get(home(guarded) + "?token=correct-horse")

    page = browser.get(home(guarded))
    forgotten = browser.post(home(guarded) + "forget", data={"id": "1"})

    assert opened.status_code == forgotten.status_code == 303
    assert "HttpOnly" in opened.headers["set-cookie"]
    assert "SameSite=strict" in opened.headers["set-cookie"]
    assert "correct-horse" not in opened.headers["set-cookie"] + opened.headers["location"]
    assert "Forget" in page.text
    with Store(str(db)) as store:
        assert store.count() == 0


def test_a_wrong_token_opens_nothing(guarded):
    told = guarded.http.post(home(guarded) + "login", data={"token": "wrong"})

    assert told.status_code == 401
    assert "set-cookie" not in told.headers


def test_another_site_s_page_cannot_forget(guarded):
    asked(guarded)
    guarded.http.get(home(guarded) + "?token=correct-horse")

    forged = guarded.http.post(
        home(guarded) + "forget", data={"id": "1"}, headers={"origin": "https://evil.example"}
    )

    assert forged.status_code == 403
    assert asked(guarded).headers["x-llmc-source"] == "exact"


def test_what_was_asked_is_shown_as_text(proxy, upstream):
    from upstream import Reply

    upstream.will(Reply(HTML + "\x1b[31m"))
    proxy.ask(about(HTML))

    page = proxy.http.get(home(proxy), params={"q": HTML})

    assert "<script" not in page.text
    assert page.text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 1
    assert "\x1b" not in page.text


def test_the_page_takes_nothing_from_elsewhere(proxy):
    page = proxy.http.get(home(proxy))

    policy = page.headers["content-security-policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)[1]
    assert policy.startswith("default-src 'none'; style-src 'nonce-")
    assert f'<style nonce="{nonce}">' in page.text
    assert re.findall(r"\b(?:src|href|style|on\w+)=|url\(", page.text) == []
    assert nonce not in proxy.http.get(home(proxy)).text


def test_the_page_tells_what_was_saved_and_finds_words(proxy):
    proxy.ask(about("which colour has the sky?"))
    proxy.ask(about("which colour has the sky?"))
    proxy.ask(about("Capital of Peru?"))

    page, found = (proxy.http.get(home(proxy), params=q) for q in ({}, {"q": "Peru"}))

    assert re.search(r"<td class=n>3</td><td class=n>1</td>", page.text)
    assert page.text.count("which colour") == 2
    assert "Capital of Peru?" in found.text
    assert "which colour" not in found.text


def test_callers_see_their_own_questions_alone(upstream):
    with running(tokens="ann:token-of-ann,bob:token-of-bob") as proxy:
        asked(proxy, "a secret of Ann's", "token-of-ann")
        proxy.http.get(home(proxy) + "?token=token-of-bob")
        page = proxy.http.get(home(proxy))
        found = proxy.http.get(home(proxy), params={"q": "secret"})
        proxy.http.post(home(proxy) + "forget", data={"id": "1"})
        again = asked(proxy, "a secret of Ann's", "token-of-ann")

    assert "secret of" not in page.text + found.text
    assert "ann" not in page.text
    assert again.headers["x-llmc-source"] == "exact"


def test_models_are_told_from_the_last_list_where_the_provider_is_out_of_reach(upstream, home):
    with running() as proxy:
        first = proxy.http.get(proxy.url + "/models")
    upstream.stop()
    with running() as proxy:
        later = proxy.http.get(proxy.url + "/models")
    with running(offline=True) as proxy:
        offline = proxy.http.get(proxy.url + "/models")

    assert first.json() == later.json() == offline.json()
    assert [r.headers["x-llmc-source"] for r in (first, later, offline)] == [
        "passed", "exact", "exact",
    ]  # fmt: skip


def test_without_a_list_the_models_stored_are_told(upstream):
    with running() as proxy:
        proxy.ask(about("why?"))
    with running(offline=True) as proxy:
        models = proxy.http.get(proxy.url + "/models")

    assert [model["id"] for model in models.json()["data"]] == ["m"]
