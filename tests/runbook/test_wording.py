"""Words that say nothing, or only what will be, are told from words that do; so are links that lead nowhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.config.promises import is_still_to_come
from readiness.config.wording import is_only_for_this_machine, is_placeholder_link, is_sentence

PUNCTUATION = st.text(st.characters(categories=["P", "Zs", "Nd"]))


@given(PUNCTUATION)
def test_what_has_no_letters_says_nothing(text: str) -> None:
    assert not is_sentence(text)


@given(st.text(), st.text())
def test_any_text_can_be_asked(text: str, path: str) -> None:
    assert isinstance(is_sentence(text), bool)
    assert isinstance(is_placeholder_link(f"https://{text}/{path}"), bool)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "okokokokokok",
        "n/a n/a n/a",
        "tbd tbd",
        "to be written by Bo",
        "a b c d e f",
        "<what is true>",
        "x x x x",
        *("ok ok", "ok okay", "looks good to me", "all good", "yes, all checked", "alles gut", "tout bon", "va bene"),
    ],
)
def test_what_says_nothing(text: str) -> None:
    assert not is_sentence(text)


@pytest.mark.parametrize(
    "text",
    [
        "it holds",
        "we watch it by hand",
        "\u9031\u306f\u7a4f\u3084\u304b\u3060\u3063\u305f",
        "l'\u00e9quipe a v\u00e9rifi\u00e9",
        "INC-7 closed yesterday",
    ],
)
def test_what_says_something(text: str) -> None:
    assert is_sentence(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "TBD by the team",
            "will do",
            "we will check it tomorrow",
            "Ada will look at it",
            "the team is going to test it",
        ),
        *(
            "to be reviewed by Bo",
            "it needs to be tested first",
            "we still have to test it",
            "they'll confirm it later",
        ),
        *(
            "TODO: ask Ada",
            "pending review by Bo",
            "the review is still pending",
            "in progress with Ada",
            "not yet looked at",
        ),
        *("waiting for the vendor", "it was not tested yet", "coming soon, promised", "I plan to check it next week"),
        *(
            "wird noch gepr\u00fcft",
            "Ada wird es morgen tun",
            "folgt noch von Bo",
            "\u00e0 faire par Ada",
            "pendiente de revisar",
        ),
        *(
            "da fare entro luned\u00ec",
            "\u5f85\u5b9a",
            "\u5f8c\u3067\u78ba\u8a8d\u3057\u307e\u3059",
            "\ub098\uc911\uc5d0 \ud655\uc778",
        ),
    ],
)
def test_what_is_promised_is_still_to_come(text: str) -> None:
    assert is_still_to_come(text)


@pytest.mark.parametrize(
    "text",
    [
        *("it holds", "we walked through the rollback procedure on the staging copy", "Ada looked at it herself"),
        *("a rollback will take five minutes", "the fallback will page the on-call when the queue is full"),
        *("all alerts were tested, none is pending", "no migration is in progress", "Ada hat es gepr\u00fcft"),
        *("clients have to confirm their mail before they upload", "the queue is not written to by anybody else"),
        *(
            "the pending invoices were paid",
            "Will Smith tested the restore",
            "everyone who is on call read the runbook",
        ),
        *(
            "das Team hat den Rollback geprobt",
            "l'\u00e9quipe a v\u00e9rifi\u00e9",
            "\u9031\u306f\u7a4f\u3084\u304b\u3060\u3063\u305f",
        ),
        *("the later release was rolled back", "Bo tested what is planned for the fallback"),
    ],
)
def test_what_is_so_is_not(text: str) -> None:
    assert not is_still_to_come(text)


@pytest.mark.parametrize(
    "link",
    [
        *("http://localhost/x", "http://127.0.0.1", "http://LOCALHOST:8080/x", "http://[::1]/x", "http://0.0.0.0/x"),
        *("http://127.1/x", "http://2130706433/x", "http://0x7f.1/x", "http://a.localhost/x", "http://127.8.9.1/x"),
        *(
            "http://[::ffff:127.0.0.1]/x",
            "http://169.254.1.1/x",
            "http://localhost./x",
            "http://localhost.localdomain/x",
        ),
    ],
)
def test_a_link_that_only_its_own_machine_opens(link: str) -> None:
    assert is_only_for_this_machine(link)


@pytest.mark.parametrize(
    "link",
    [
        *("https://wiki.shop.internal/x", "https://wiki/launch", "http://10.0.0.3/x", "http://192.168.1.5/x"),
        *("https://localhost.shop.io/x", "https://shop.io/localhost", "https://fa/x", "https://[2001:db8::1]/x"),
        *("https://shop.io/?next=http://127.0.0.1", "https://127-0-0-1.shop.io/x"),
    ],
)
def test_a_link_that_others_open(link: str) -> None:
    assert not is_only_for_this_machine(link)


@pytest.mark.parametrize(
    "link",
    [
        *("https://...", "https://\u2026", "https://../x", "https://example.com", "https://wiki.example.org/x"),
        *("https://wiki.shop.example/x", "https://x.invalid", "https://a.test/", "https://TODO", "https://tbd.com/x"),
        *("https://xxx/x", "https://wiki.shop.io/...", "https://wiki.shop.io/.../review", "https://EXAMPLE.com:443/x"),
        *("https://example.com./x", "https://u@example.com/x", "https://[::1", "https://....com/x"),
    ],
)
def test_a_link_that_leads_nowhere(link: str) -> None:
    assert is_placeholder_link(link)


@pytest.mark.parametrize(
    "link",
    [
        *("https://wiki.shop.internal/x", "https://wiki/launch", "http://127.0.0.1:8080/x", "https://examples.io/x"),
        *(
            "https://github.com/a/b/compare/v1...v2",
            "https://wiki.shop.io/example.com",
            "https://testing.io/test",
            "https://na.shop.io/x",
        ),
    ],
)
def test_a_link_that_leads_somewhere(link: str) -> None:
    assert not is_placeholder_link(link)
