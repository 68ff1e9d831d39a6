"""Words that stand in the place of a person's name and name no one person, in the languages that teams write in."""

from __future__ import annotations

import re
import unicodedata

_PRONOUNS = """\
i me myself self yourself himself herself we us ourselves they them themselves someone somebody anyone anybody everyone
everybody nobody none whoever anonymous
ich mich selbst selber wir uns jemand irgendwer irgendjemand alle jeder niemand
je moi nous quelqu tous chacun personne
yo mismo misma nosotros nosotras alguien todos nadie
io me stesso stessa noi qualcuno tutti nessuno
eu mim mesmo mesma nos alguem ninguem
ik mij mijzelf mezelf wij iemand iedereen
jag mig sjalv oss nagon ingen jeg noen
"""
"""Without accents, and without those that are somebody's name: Sam, Alla, He, You, Meg, Vi."""
_PRONOUNS_IN_OTHER_SCRIPTS = (
    # Russian, Chinese, Japanese and Korean, of the same kind.
    "\u044f \u0441\u0430\u043c \u0441\u0430\u043c\u0430 \u043c\u044b \u043a\u0442\u043e \u0442\u043e "
    "\u0432\u0441\u0435 \u043d\u0438\u043a\u0442\u043e "
    "\u6211 \u6211\u81ea\u5df1 \u81ea\u5df1 \u672c\u4eba \u6211\u4eec \u6211\u5011 \u5927\u5bb6 \u67d0\u4eba "
    "\u6240\u6709\u4eba "
    "\u79c1 \u81ea\u5206 \u79c1\u305f\u3061 \u307f\u3093\u306a \u8ab0\u304b \u5168\u54e1 "
    "\ub098 \uc800 \ubcf8\uc778 \uc6b0\ub9ac \ub204\uad70\uac00 \ubaa8\ub450"
)
_BESIDE_A_GROUP = """\
the a an our my your their this that of and or for on in at to it may be all whole entire one
meme un
der die das des dem den ein eine unser unsere mein meine im am vom
le la les l un une notre mon ma du de des d
el los las una nuestro nuestra mi mis del
il lo gli nostro nostra mio mia dell
o os as nosso nossa meu minha da do
het een onze ons mijn
"""
_ROLES = """\
call oncall duty engineer engineers engineering lead leads leader manager managers management owner owners
admin admins administrator administrators root operator operators ops operations devops sre sres qa devs developer
developers platform backend frontend infra infrastructure database dba security support product release staff board
leadership company department org organization organisation shift primary secondary boss chief head director cto ceo
coo cfo ciso vp pm user users customer customers colleague colleagues coworker coworkers friend people persons
several various both others other responsible person charge whom concern tbd
bot bots automation automated system ci pipeline script robot machine service account
chef leiter leitung leiterin vorgesetzter kollege kollegin kollegen verantwortlicher verantwortliche geschaftsfuhrung
betrieb entwicklung entwickler bereitschaft
patron responsable collegue direction exploitation astreinte
jefe jefa encargado encargada companero direccion guardia
capo responsabile collega direzione
chefe responsavel colega direcao
baas leidinggevende
"""
_GROUPS = """\
team teams squad squads dept department abteilung gruppe mannschaft equipe equipes groupe equipo equipos grupo equipa
squadra gruppo ploeg laget zespol ekipa committee
\u043a\u043e\u043c\u0430\u043d\u0434\u0430 \u043e\u0442\u0434\u0435\u043b
"""
"""A name that holds one of these words is that of several people, whatever else is in it."""
_GROUPS_UNSPACED = ("\u56e2\u961f", "\u5718\u968a", "\u30c1\u30fc\u30e0", "\u90e8\u95e8", "\u90e8\u9580", "\ud300")
_GROUP_WORDS = frozenset(_GROUPS.split())
_PRONOUN_WORDS = frozenset(f"{_PRONOUNS} {_PRONOUNS_IN_OTHER_SCRIPTS}".split())
_NO_PERSON_WORDS = _PRONOUN_WORDS | _GROUP_WORDS | frozenset(_ROLES.split())
_WORDS_BESIDE = frozenset(_BESIDE_A_GROUP.split())
"""By themselves they may be a name: Le Du, Ma On."""
_FOR_ANOTHER = re.compile(
    r"\bon behalf\b|\bin (?:the )?(?:name|place|stead) of\b|\binstead of\b|\b[Dd]elegated? (?:of|by)\b"
    r"|\bacting for\b|\bproxy\b"
    r"|\b[Dd]eputy (?:of|for)\b|\w['\u2019]s\s"
    r"|^(?:for|via|c/o|pp|p\.\s?p\.|p\.\s?o\.|i\.\s?[AV]\.|iA|iV)\s"
    r"|\b[Ii]m (?:Auftrag|Namen)\b|\bin Vertretung\b|\bstellvertretend\b|\b[Aa]u nom d|\b[Pp]our le compte\b"
    r"|\b(?:en|em) (?:nombre|nome) d|\bpor (?:orden|encargo) d|\b(?:per conto|a nome) d|\b[Nn]amens\b|\bop verzoek\b"
    r"|^\u0437\u0430 |\u043e\u0442 \u0438\u043c\u0435\u043d\u0438"
    r"|\u4ee3\u8868|\u4ee3\u7406|\u306e\u4ee3\u308f\u308a|\ub300\uc2e0"
)
"""Whoever signs for another one is not named, or is named beside. Small letters: I. V. Ivanov is a name."""
_SEVERAL = re.compile(r"[&+/;]|\s(?:and|et|och|og)\s|(?<!\b[Vv]on)\s(?:und|sowie)\s|\s[\u0438]\s")
_SPOKEN_OF = re.compile(
    r"\s*[(\[](?:she|her|he|him|they|them|ze|any|sie|er|elle|il|iel|ella|el|\u00e9l)(?:/[^\W\d_]+)+[)\]]", re.IGNORECASE
)
"""How somebody wants to be spoken of, as chats show it behind a name: (she/her)."""
_BESIDE_A_PRONOUN = frozenset({"all", "concern", "it", "may", "meme", "of", "one", "the", "to", "un", "whole"})
"""`all of us`, and not what may be a name: Yo-Yo Ma."""
_WORD = re.compile(r"[^\W_]+")
_ACCENTS = re.compile("[\u0300-\u036f]")


def names_no_one_person(name: str, *, groups_too: bool = True) -> bool:
    """Check whether a text names no one person: `myself`, `the team`, `Ada and Bo`, `on behalf of Ada`.

    Not `groups_too`: of a group that can be reached, such as a channel's, somebody answers.

    >>> [names_no_one_person(name) for name in ("the team", "\u6211", "i.A. Ada Example", "Ada Example")]
    [True, True, True, False]
    """
    name = _SPOKEN_OF.sub("", name)
    words = _words(name)
    if not groups_too:
        return bool(words) and words <= _PRONOUN_WORDS
    if words & _PRONOUN_WORDS and words <= _PRONOUN_WORDS | _BESIDE_A_PRONOUN:
        return True
    if words & _NO_PERSON_WORDS - _PRONOUN_WORDS and words <= _NO_PERSON_WORDS | _WORDS_BESIDE:
        return True
    if words & _GROUP_WORDS or any(group in name for group in _GROUPS_UNSPACED):
        return True
    return bool(_FOR_ANOTHER.search(name) or _SEVERAL.search(name))


def _words(name: str) -> set[str]:
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    plain = unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))
    return set(_WORD.findall(plain))
