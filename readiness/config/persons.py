"""Persons: when two names are one person, and which text can be nobody's name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import product

from readiness.config.person_words import names_no_one_person
from readiness.config.wording import is_undecided, says_nothing

_ACCENTS = re.compile("[\u0300-\u036f]")
_INVISIBLE = re.compile("[\u115f\u1160\u3164\uffa0]")
"""Letters that nobody sees."""
_APOSTROPHES = re.compile("['`\u2019\u02bc\u00b4]")
_LEFT_TO_RIGHT = "\u200e"
"""The table of confusables puts it around what is written from right to left."""
_NO_SCRIPT = {"COMMON", "INHERITED", "UNKNOWN"}
_EAST_ASIAN = {"HAN", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"}
"""Scripts that one name may mix, also with Latin letters: none of them looks like another (UTS 39, 5.2)."""
_TITLE_WORDS = """\
dr prof professor mr mrs ms miss mx sir madam dame lord lady herr frau hr fr ing dipl mag med phil jur rer nat hon rev
phd md msc bsc mba ba ma esq m mme mlle sr sra srta dott dottssa avv sig dhr mevr drs ir pan pani san sensei
"""
"""What stands beside a name and is no part of it."""
_TITLES = frozenset(_TITLE_WORDS.split())
_MAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+")


def is_same_person(name: str, other: str) -> bool:
    """Check whether two names are one person in two spellings.

    Case, accents, width, spaces, punctuation and the order of the words make no second person, and neither does a
    letter that only looks like another one.

    >>> is_same_person("Ada Example", "Example, Ada"), is_same_person("Ada Example", "Grace Example")
    (True, False)
    """
    return not _spellings(name).isdisjoint(_spellings(other))


def could_be_one_person(name: str, other: str) -> bool:
    """Check whether two names may be one person: in two spellings, or one a shorter form of the other.

    A title, an initial and a name that is left out make no second person. Where two of one approve, they are written
    in full, or known by what the environment's approvers says.

    >>> [could_be_one_person("Ada Example", other) for other in ("Dr. A. Example", "ada@shop.io", "Adam Example")]
    [True, True, False]
    """
    if is_same_person(name, other):
        return True
    return any(_is_short_for(*pair) for pair in product(_word_lists(name), _word_lists(other)))


def what_is_wrong_with(name: str) -> str:
    """Return why a text can be nobody's name; the empty text where it may be somebody's.

    >>> what_is_wrong_with("Ada Example"), what_is_wrong_with("...")
    ('', 'is no name')
    """
    if says_nothing(name) or not any(character.isalpha() for character in _INVISIBLE.sub("", name)):
        return "is no name"
    if _INVISIBLE.search(name) or not " ".join(name.split()).isprintable():
        return "holds a character that cannot be seen"
    if names_no_one_person(name):
        return "names no one person; write the name of who it is"
    if _is_initials(name):
        return "is initials alone; write the name in full"

    scripts = scripts_of(name)
    if len(scripts) > 1:
        named = " and ".join(script.capitalize() for script in sorted(scripts))
        return f"mixes letters of {named}, which look alike; write it in one script"
    return ""


def is_nobody(name: str) -> bool:
    """Check whether a roster has nobody in a place: the name is still to come, or names no one person.

    >>> [is_nobody(name) for name in ("TBD", "vacant", "the team", "Na Li")]
    [True, True, True, False]
    """
    return is_undecided(name) or names_no_one_person(name)


def scripts_of(name: str) -> set[str]:
    """Return the scripts of a name's letters; those that one name may mix are one."""
    from confusable_homoglyphs import categories  # noqa: PLC0415  a tenth of a second, and only files with names need it

    scripts: set[str] = categories.unique_aliases(unicodedata.normalize("NFKC", name)) - _NO_SCRIPT
    if scripts & _EAST_ASIAN:
        return scripts - _EAST_ASIAN - {"LATIN"} | {"EAST ASIAN"}
    return scripts


def _is_initials(name: str) -> bool:
    """Check whether a name is no more than its first letters: A. E."""
    words = _words(unicodedata.normalize("NFKC", name))
    return bool(words) and all(len(word) == 1 and word.isascii() for word in words)


def _is_short_for(words: list[str], others: list[str]) -> bool:
    """Check whether each word of the shorter of two names stands in the other one, whole or as its first letter."""
    shorter, longer = sorted((words, others), key=len)
    left = list(longer)
    # Whole words first, so that an initial does not take the place of one: A. Ada beside Ada Ames.
    for word in sorted(shorter, key=len, reverse=True):
        match = next((other for other in left if other == word), None)
        match = match or next((other for other in left if 1 in {len(word), len(other)} and word[0] == other[0]), None)
        if match is None:
            return False
        left.remove(match)
    return bool(shorter)


def _word_lists(name: str) -> Iterator[list[str]]:
    """Yield the words of a name in each of its spellings, without titles; of a mail address those before the @."""
    is_mail = _MAIL.fullmatch(name.strip())
    written = name.strip().partition("@")[0] if is_mail else _MAIL.sub(" ", name)
    plain = unicodedata.normalize("NFKC", written)
    for spelling in (plain, _skeleton(plain), _skeleton(plain.casefold())):
        words = _words(spelling)
        yield [word for word in words if word not in _TITLES] or words


def _spellings(name: str) -> set[str]:
    """Return the folded spellings of a name: as it is, and with every letter as the one that it looks like."""
    plain = unicodedata.normalize("NFKC", name)
    # Folding first and last: a capital I looks like an l, a small one does not.
    return {_folded(plain), _folded(_skeleton(plain)), _folded(_skeleton(plain.casefold()))}


def _folded(name: str) -> str:
    """Return a name without case, accents, spaces and punctuation, its words in the order of the alphabet."""
    return "".join(sorted(_words(name)))


def _words(name: str) -> list[str]:
    """Return the words of a name without case, accents and punctuation."""
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    visible = _INVISIBLE.sub(" ", _ACCENTS.sub("", decomposed))
    return [word for word in re.split(r"[\W_]+", _APOSTROPHES.sub("", visible)) if word]


def _skeleton(name: str) -> str:
    """Return a name with each letter as the one that it looks like, by Unicode's table of confusables (UTS 39)."""
    # What is all ASCII needs the table too: 1 and l, 0 and O, rn and m.
    return "".join(map(_prototype, name))


def _prototype(character: str) -> str:
    from confusable_homoglyphs.confusables import confusables_data  # noqa: PLC0415  as above

    alike: list[str] = [entry["c"].strip(_LEFT_TO_RIGHT) for entry in confusables_data.get(character, ())]
    # A prototype has the list of all that looks like it; anything else has its prototype alone.
    if len(alike) != 1:
        return character

    back = confusables_data.get(alike[0], ())
    is_pair = len(back) == 1 and back[0]["c"].strip(_LEFT_TO_RIGHT) == character
    return min(character, alike[0]) if is_pair else alike[0]
