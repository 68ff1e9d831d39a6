"""Persons: when two names are one person, and which text can be nobody's name."""

from __future__ import annotations

import re
import unicodedata

from readiness.config.wording import says_nothing

_ACCENTS = re.compile("[\u0300-\u036f]")
_INVISIBLE = re.compile("[\u115f\u1160\u3164\uffa0]")
"""Letters that nobody sees."""
_APOSTROPHES = re.compile("['`\u2019\u02bc\u00b4]")
_LEFT_TO_RIGHT = "\u200e"
"""The table of confusables puts it around what is written from right to left."""
_NO_SCRIPT = {"COMMON", "INHERITED", "UNKNOWN"}
_EAST_ASIAN = {"HAN", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"}
"""Scripts that one name may mix, also with Latin letters: none of them looks like another (UTS 39, 5.2)."""


def is_same_person(name: str, other: str) -> bool:
    """Check whether two names are one person in two spellings.

    Case, accents, width, spaces, punctuation and the order of the words make no second person, and neither does a
    letter that only looks like another one.

    >>> is_same_person("Ada Example", "Example, Ada"), is_same_person("Ada Example", "Grace Example")
    (True, False)
    """
    return not _spellings(name).isdisjoint(_spellings(other))


def what_is_wrong_with(name: str) -> str:
    """Return why a text can be nobody's name; the empty text where it may be somebody's.

    >>> what_is_wrong_with("Ada Example"), what_is_wrong_with("...")
    ('', 'is no name')
    """
    if says_nothing(name) or not any(character.isalpha() for character in _INVISIBLE.sub("", name)):
        return "is no name"
    if _INVISIBLE.search(name) or not " ".join(name.split()).isprintable():
        return "holds a character that cannot be seen"

    scripts = scripts_of(name)
    if len(scripts) > 1:
        named = " and ".join(script.capitalize() for script in sorted(scripts))
        return f"mixes letters of {named}, which look alike; write it in one script"
    return ""


def scripts_of(name: str) -> set[str]:
    """Return the scripts of a name's letters; those that one name may mix are one."""
    from confusable_homoglyphs import categories  # noqa: PLC0415  a tenth of a second, and only files with names need it

    scripts: set[str] = categories.unique_aliases(unicodedata.normalize("NFKC", name)) - _NO_SCRIPT
    if scripts & _EAST_ASIAN:
        return scripts - _EAST_ASIAN - {"LATIN"} | {"EAST ASIAN"}
    return scripts


def _spellings(name: str) -> set[str]:
    """Return the folded spellings of a name: as it is, and with every letter as the one that it looks like."""
    plain = unicodedata.normalize("NFKC", name)
    # Folding first and last: a capital I looks like an l, a small one does not.
    return {_folded(plain), _folded(_skeleton(plain)), _folded(_skeleton(plain.casefold()))}


def _folded(name: str) -> str:
    """Return a name without case, accents, spaces and punctuation, its words in the order of the alphabet."""
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    visible = _INVISIBLE.sub(" ", _ACCENTS.sub("", decomposed))
    words = re.split(r"[\W_]+", _APOSTROPHES.sub("", visible))
    return "".join(sorted(words))


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
