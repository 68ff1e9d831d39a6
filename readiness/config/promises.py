"""Promises: statements that say what will be, and words that agree without saying to what."""

from __future__ import annotations

import re
import unicodedata

_AGREEING = """\
ok okay okey yes yep yeah sure fine good great nice perfect done lgtm looks look to me us all very well checked verified
tested confirmed approved agreed accepted acknowledged noted ack check true correct right works everything
gut ja passt alles klar erledigt geprüft getestet in ordnung stimmt jawohl
oui bien fait tout bon vu vérifié daccord si sí vale bueno hecho todo listo probado visto conforme
va bene fatto tutto sì posto sim feito tudo certo certinho goed klaar akkoord готово хорошо проверено
"""
AGREEING = frozenset(_AGREEING.split())
"""Words that agree, and do not say with what: all good, ok ok, looks good to me."""

_SOMEBODY = (
    r"^\W*(?:(?:i|we|they|he|she|it|this|that|somebody|someone|ich|wir|er|sie|es|das|(?:the |our |das )?(?:\w+ )?team|"
    r"(?-i:(?!The |An? )[A-Z][a-z]+(?: [A-Z][a-z]+)?))\s+)?"
)
"""Who promises it: we, the team, Ada Example. What a rollback will do is no promise of somebody's."""
_DONE = (
    r"(?:done|checked|tested|reviewed|verified|confirmed|written|added|decided|announced|determined|fixed|filled|"
    r"provided|completed|finished|updated|defined|agreed|signed|documented|uploaded|attached|followed up)"
)
_NOT_YET = r"(?:pending|outstanding|planned|scheduled|ongoing|in progress|under way)"
_TO_COME = (
    # English
    rf"{_SOMEBODY}(?:will(?!\s(?-i:[A-Z]))|shall|plans?\s+to|intends?\s+to|promises?\s+to|hopes?\s+to)\b",
    rf"{_SOMEBODY}(?:is|am|are)\s+(?:going|about|yet)\s+to\b",
    rf"{_SOMEBODY}(?:still\s+)?(?:has|have|needs?)\s+(?:still\s+|yet\s+)?to\b",
    r"^\W*(?:i|we|they|he|she)['\u2019]ll\b",
    r"\btb[adc]\b|^\W*to[-_ ]?do\b|\bto[-_ ]?do\s*(?::|$)|\bfix ?me\b|\bcoming soon\b|\bwork in progress\b|\bwip\b",
    rf"\b(?:will|shall|to|must|should|needs? to) be {_DONE}\b",
    rf"\b(?:still not|not yet|yet to be)\s+(?:been\s+)?{_DONE}\b|\bnot\s+(?:been\s+)?{_DONE}(?:\s+yet)?\W*$",
    rf"^\W*(?:still\s+|currently\s+)?(?:{_NOT_YET}|not yet|soon|later|tomorrow|next week|waiting for|awaiting)\b",
    rf"^(?!.*\b(?:no|none|nothing|neither|not)\b).*\b(?:is|are)\s+(?:still\s+)?{_NOT_YET}\W*$",
    # German
    rf"{_SOMEBODY}(?:wird|werden|werde|folgt|folgen)\b.*\b(?:noch|nachgereicht|später|bald|morgen|ergänzt)\b",
    rf"{_SOMEBODY}(?:wird|werden|werde)\b.*\b(?:geprüft|getestet|erledigt|gemacht)\W*$",
    r"\b(?:folgt|kommt)\s+(?:noch|bald|später|morgen)\b|\bsteht noch aus\b|\bnoch (?:offen|zu (?:tun|prüfen|klären))\b",
    # French, Spanish, Italian, Portuguese, Dutch
    r"\bà (?:venir|faire|compléter|définir|vérifier|confirmer)\b|\bsera (?:fait|vérifié|testé|ajouté)\w*",
    r"\bpendientes?\b\W*(?:de\b|$)|\bpor (?:hacer|definir|confirmar|verificar)\b|\bse (?:hará|verificará|probará)\b",
    r"\bda (?:fare|definire|verificare|confermare)\b|\ba (?:fazer|definir|confirmar|verificar)\b",
    r"\bnog te (?:doen|bepalen|testen)\b",
    # Chinese, Japanese, Korean, Russian
    r"待定|未定|待办|待確認|待确认|あとで|後で|後ほど|これから|予定です|예정|나중에",
    r"будет (?:сделан|проверен)\w*|позже|ещё не|еще не",
)
_STILL_TO_COME = re.compile("|".join(_TO_COME), re.IGNORECASE)


def is_still_to_come(text: str) -> bool:
    """Check whether a statement says that it will be so, and not that it is.

    >>> [is_still_to_come(text) for text in ("TBD by the team", "will do", "a rollback will take five minutes")]
    [True, True, False]
    """
    return bool(_STILL_TO_COME.search(" ".join(unicodedata.normalize("NFKC", text).split())))
