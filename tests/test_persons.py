"""One person is one person however the name is written, and words that say nothing are told from words that do."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.config.persons import is_same_person, what_is_wrong_with
from readiness.config.wording import is_placeholder_link, is_sentence
from readiness.runbook.approvers import Approvers

WORDS = st.lists(st.from_regex(r"[A-Z][a-z]{1,8}", fullmatch=True), min_size=1, max_size=4)
BETWEEN = st.sampled_from([" ", "  ", ", ", ". ", "-", "\u00a0", "_"])
PUNCTUATION = st.text(st.characters(categories=["P", "Zs", "Nd"]))


@given(WORDS, BETWEEN, st.booleans(), st.randoms(use_true_random=False))
def test_another_order_case_or_punctuation_is_the_same_person(
    words: list[str], between: str, upper: bool, shuffling: random.Random
) -> None:
    mixed = list(words)
    shuffling.shuffle(mixed)
    other = between.join(mixed)
    assert is_same_person(" ".join(words), other.upper() if upper else other)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_two_texts_can_be_compared_in_either_order(name: str, other: str) -> None:
    assert is_same_person(name, name)
    assert is_same_person(name, other) is is_same_person(other, name)
    assert isinstance(what_is_wrong_with(name), str)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Ada Example", "\u0410\u0434\u0430 \u0415\u0445\u0430\u043c\u0440l\u0435"),
        ("Caco Pope", "\u0421\u0430\u0441\u043e \u0420\u043e\u0440\u0435"),
        ("Bill", "Bi11"),
        ("Bill", "BiII"),
        ("Arne Corn", "Ame Com"),
        ("Ada", "\U0001d400\U0001d41d\U0001d41a"),
        ("Jos\u00e9 D\u00edaz", "Diaz, Jose"),
        ("O'Brien", "O\u2019Brien"),
        ("Ada\u3164Example", "Ada Example"),
    ],
)
def test_what_looks_alike_is_the_same_person(name: str, other: str) -> None:
    assert is_same_person(name, other) or what_is_wrong_with(other)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Ada Byron", "Bo Chen"),
        ("Ada", "Ida"),
        ("M\u00fcller", "Miller"),
        ("\u674e\u660e", "\u674e\u534e"),
        ("Jo", "Joe"),
    ],
)
def test_two_people_are_two(name: str, other: str) -> None:
    assert not is_same_person(name, other)


@pytest.mark.parametrize(
    "name",
    [
        *("Ada Byron", "Jos\u00e9 D\u00edaz", "O'Brien-Smith", "\u0410\u043d\u043d\u0430 \u041a\u0438\u043c"),
        *(
            "\u674e\u660e",
            "\u5c71\u7530 \u306f\u306a\u5b50",
            "Li \u674e\u660e",
            "\uae40\ucca0\uc218",
            "\u0641\u0627\u0637\u0645\u0629",
            "R2 Byron",
        ),
    ],
)
def test_names_of_people_everywhere_are_names(name: str) -> None:
    assert what_is_wrong_with(name) == ""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        *((name, "is no name") for name in ("", "...", "TBD", "n/a", "<name>", "12345", "\u3164", "someone")),
        *((name, "in one script") for name in ("\u0410da", "Ad\u0430", "\u0391da", "Ada \u0411")),
        *((name, "cannot be seen") for name in ("Ada\u200b", "Ada\u202e", "Ada\u3164Byron")),
    ],
)
def test_what_is_no_name_is_told(name: str, says: str) -> None:
    assert says in what_is_wrong_with(name)


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


def test_an_approver_is_known_by_the_address() -> None:
    approvers = Approvers({"Ada Byron": "ADA@shop.internal", "A. Byron": "ada@shop.internal", "Bo Chen": "bo"})
    assert approvers.same("Ada Byron", "A. Byron")
    assert approvers.same("ada@shop.internal", "Byron, Ada")
    assert not approvers.same("Ada Byron", "Bo Chen")
    assert approvers.what_is_wrong_with("Bo Chen") == ""
    assert "write 'Bo Chen'" in approvers.what_is_wrong_with("chen bo")
    assert "is not known" in approvers.what_is_wrong_with("Dee Fox")
    assert not list(approvers.faults())
