"""What kinds of secret look like, whoever's they are: they are masked though nobody named them."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """What a kind of secret looks like, whoever's it is."""

    pattern: re.Pattern[str]
    signs: tuple[str, ...]
    """One of these is in each text that the pattern fits: they are found much faster."""

    def may_be_in(self, text: str) -> bool:
        """Return False if the pattern certainly fits nowhere in a text."""
        return any(sign in text for sign in self.signs)


SHAPES = {
    "a private key": Shape(
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        ("PRIVATE KEY",),
    ),
    "an Authorization value": Shape(
        re.compile(r"(?<=\b[Bb]earer )(?!\*{3})[^\s\"'<>,;]{8,}|(?<=\bBasic )[A-Za-z0-9+/=]{12,}"),
        ("earer ", "Basic "),
    ),
    "a password in an address": Shape(
        re.compile(r"(?<=://)(?!\*{3})[^/\s:@\"'<>]*:(?!\*{3})[^/\s@\"'<>]+(?=@)"),
        ("://",),
    ),
    "a JSON Web Token": Shape(
        re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
        ("eyJ",),
    ),
    "a vendor's key": Shape(
        re.compile(
            r"\b(?:(?:sk|rk)_(?:live|test)_\w{10,}|whsec_[\w+/=-]{10,}|sb[pa]_[0-9a-f]{20,}|sb_secret_[\w-]{10,}"
            r"|(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_\w{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}|AIza[\w-]{30,})"
        ),
        (
            *("sk_", "rk_", "whsec_", "sbp_", "sba_", "sb_secret_", "AKIA", "ASIA", "AIza", "github_pat_"),
            *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-"),
        ),
    ),
}
