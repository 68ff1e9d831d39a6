"""The redactor masks values in every writing, parts of them and shapes, and leaves ordinary text alone."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.redaction.redactor import Redactor, scan
from readiness.redaction.secret import encodings

VALUE = "hunter2-Qp7<wR4t8>Yb1-tail"
ADDRESS = "postgresql://probe:s3cr%40t-pass9@db.example.com:5432/shop"
SETTINGS = "user=probe password='it\\'s 0pen-sesame7' dbname=readiness_restore_14dde0 host=db3.example.com port=5432"
HEX = "3f9a1c77e0b24d58"
REDACTOR = Redactor(lambda: frozenset({VALUE, ADDRESS, SETTINGS, HEX}))


@pytest.mark.parametrize("form", sorted(encodings(VALUE)), ids=str)
def test_every_writing_is_masked(form: str) -> None:
    assert form not in REDACTOR.text(f"before {form} after")


@pytest.mark.parametrize(
    "text",
    [
        f"'{VALUE[:9]}...{VALUE[-9:]}'",
        f"Bearer {VALUE}",
        f"cut {VALUE[3:15]} cut",
        f"cut {HEX[2:14]} cut",
        "password s3cr@t-pass9 was refused",
        "password it's 0pen-sesame7 was refused",
        f"connecting with {SETTINGS}",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "Authorization: Bearer abcdefgh12345",
        "https://me:pw12@host/x",
        "sk_" + "live_abcdefghij0123",
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.sig",
    ],
)
def test_parts_and_shapes_are_masked(text: str) -> None:
    masked = REDACTOR.text(text)
    assert "***" in masked
    assert list(REDACTOR.find(text))
    assert not list(REDACTOR.find(masked))
    assert not any(
        part in masked for part in ("Qp7", "s3cr", "MIIE", "pw12", "abcdefgh", "ABCDEFGH", "eyJ", "sesame7", HEX[2:14])
    )


@pytest.mark.parametrize(
    "text",
    [
        "https://db.example.com:5432/shop answered 200",
        "db3.example.com:5432 answered; readiness_restore_1 was restored",
        "checks/test_database.py::test_pool_headroom[pool-available]",
        "share of the pool in use: 0.42, allowed < 0.8",
        "the bearer of this letter",
        "5f2b8c1d9e7a6f4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b",
        f"sha256 of the journal: 5f2b8c1d9e7a6f4b{HEX[3:11]}9a8b7c6d5e4f3a2b1c0d",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert REDACTOR.text(text) == text


def test_depth_keys_and_numbers() -> None:
    redactor = Redactor(lambda: frozenset({"12345678"}))
    found = redactor.plain({"a": [{"12345678": ("12345678", 12345678, 1.5, None, True)}]})
    assert found == {"a": [{"***": ["***", "***", 1.5, None, True]}]}


@given(st.text(), st.text())
def test_nothing_of_it_is_left_wherever_it_stands(before: str, after: str) -> None:
    assert VALUE not in REDACTOR.text(before + VALUE + after)


@given(st.text())
def test_masking_again_changes_nothing(text: str) -> None:
    once = REDACTOR.text(text)
    assert REDACTOR.text(once) == once


def test_a_scan_names_the_file_and_never_the_value(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.html").write_text(f"x {VALUE} x", "utf-8")
    (tmp_path / "b.bin").write_bytes(b"\xff\xfe" + VALUE[2:14].encode())
    (tmp_path / "c.txt").write_text("nothing", "utf-8")
    hits = scan(tmp_path, REDACTOR)
    assert [(hit.file.name, hit.what) for hit in hits] == [
        ("b.bin", "a part of a known secret"),
        ("a.html", "a known secret"),
    ]
    assert VALUE not in repr(hits)


VENDORS_KEYS = (
    *("sk_" + "live_", "sk_" + "test_", "rk_" + "live_", "rk_" + "test_", "whsec_", "sbp_", "sba_", "sb_" + "secret_"),
    *("AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_" + "pat_", "AIza"),
    *("xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-"),
)


@pytest.mark.parametrize("beginning", VENDORS_KEYS)
def test_no_vendor_s_key_is_passed_over(beginning: str) -> None:
    key = beginning + "0123456789ABCDEF" * 3 if beginning not in {"AKIA", "ASIA"} else beginning + "0123456789ABCDEF"
    text = f"the key {key.lower() if beginning in {'sbp_', 'sba_'} else key} was refused"
    assert Redactor(frozenset).text(text) == "the key *** was refused"
    assert list(Redactor(frozenset).find(text)) == ["a vendor's key"]


@given(st.text(min_size=6, max_size=40), st.text(max_size=30), st.text(max_size=30))
def test_every_writing_of_any_secret_is_found(value: str, before: str, after: str) -> None:
    redactor = Redactor(lambda: frozenset({value}))
    for form in encodings(value):
        text = before + form + after
        assert "a known secret" in list(redactor.find(text))
        assert "***" in redactor.text(text)


def test_secrets_that_come_one_after_the_other_are_all_masked() -> None:
    known: set[str] = set()
    redactor = Redactor(lambda: frozenset(known))
    other = "Zt5-second-of-them-81"
    text = f"{VALUE} {HEX} {other}"
    for value in (VALUE, HEX, other):
        assert value in redactor.text(text)
        assert value in redactor.text(text)  # from what it remembers
        known.add(value)
        assert value not in redactor.text(text)
        assert list(redactor.find(value))
    known.clear()
    assert redactor.text(f"{VALUE} {HEX}") == f"{VALUE} {HEX}"


PIECES = st.sampled_from(
    [VALUE, VALUE[:9], VALUE[3:15], HEX, HEX[2:14], "...", "Bearer ", "https://me:pw12@host/x", "it's 0pen-sesame7"]
)


@given(st.lists(PIECES | st.text(max_size=20), max_size=6).map("".join))
def test_what_masking_leaves_as_it_is_holds_nothing_that_a_search_would_find(text: str) -> None:
    """So such a text is not searched again."""
    long = f"{text}{' ordinary words' * 20}"
    masked = REDACTOR.text(long)
    searched = Redactor(REDACTOR.values)
    assert masked != long or not list(searched.find(long))


def test_a_long_text_that_was_masked_is_not_searched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor(lambda: frozenset({VALUE}))
    clean, masked = "ordinary words " * 20, redactor.text(f"{VALUE}{' ordinary words' * 20}")
    redactor.text(clean)
    searched: list[str] = []

    def search(text: str) -> Iterator[str]:
        searched.append(text)
        return iter(())

    monkeypatch.setattr(redactor, "_kinds_in", search)
    assert not list(redactor.find(clean))
    assert not list(redactor.find(masked))
    assert searched == [masked]


def test_what_was_clean_is_searched_again_for_a_new_secret() -> None:
    known: set[str] = set()
    redactor = Redactor(lambda: frozenset(known))
    assert list(redactor.find(f"before {VALUE} after")) == []
    known.add(VALUE)
    assert list(redactor.find(f"before {VALUE} after")) == ["a known secret"]


def test_both_ends_of_a_value_that_was_cut_out_of_are_masked() -> None:
    assert REDACTOR.text(f"{VALUE[:5]}...{VALUE[-5:]}") == "***...***"


def test_the_redactor_does_not_show_what_it_knows() -> None:
    REDACTOR.text("x")
    assert VALUE[:4] not in repr(REDACTOR)


def test_a_secret_that_becomes_known_while_another_thread_masks_is_masked_from_then_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = {VALUE}
    redactor = Redactor(lambda: frozenset(known))
    words = "correct-horse-battery-staple"  # without digits it has no fragments
    text = f"{VALUE} {words}"
    compiles, learned = threading.Event(), threading.Event()
    compiled = re.compile

    def slowly(pattern: str) -> re.Pattern[str]:
        compiles.set()
        assert learned.wait(60)
        return compiled(pattern)

    redactor.text("nothing of it")
    monkeypatch.setattr("readiness.redaction.redactor.re.compile", slowly)
    other = threading.Thread(target=redactor.text, args=(text,))
    other.start()
    assert compiles.wait(60)
    known.add(words)
    redactor.text("learns of it")
    learned.set()
    other.join()
    assert redactor.text(text) == "*** ***"
    assert redactor.text(f"{text}.") == "*** ***."
