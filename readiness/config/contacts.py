"""Contacts: what one is. A whole number, mail address, handle, channel or link, with nothing that takes it back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.config.person_words import names_no_one_person
from readiness.config.wording import is_only_for_this_machine, is_placeholder_link, is_undecided, says_nothing

_MAIL = r"[^\s@<>()\[\],;:\"|]+@[^\s@<>()\[\],;:\"|]+"
_NUMBER = r"\+?[0-9(][0-9 ().\-/\u2010-\u2015]*[0-9]"
_EXTENSION = r"(?:[ ,]*(?:;ext=|ext\.?|extension|durchwahl|poste|x|#)[ ]*[0-9]{1,6})?"
_FORMS = re.compile(
    rf"<(?P<markup>(?:[#@!][A-Z0-9]{{2,}}|!subteam\^[A-Z0-9]+|https?://[^\s|>]+|mailto:{_MAIL})(?:\|[^<>|]*)?)>"
    r"|(?P<link>https?://[^\s<>]+)"
    # Of Matrix and of Mastodon: with the server that knows the name.
    r"|(?P<handle>(?<![\w.])[@#][^\s@#<>(),;:]+(?:[:@](?:[\w-]+\.)+[a-z]{2,})?)"
    rf"|(?:mailto:|sips?:|xmpp:)?(?P<mail>{_MAIL})"
    r"|(?:slack|msteams):(?P<id>[^\s<>]*[A-Za-z0-9][^\s<>]+)"
    rf"|(?:tel:|sms:)?(?P<number>(?<![\w-])(?<![0-9][.:]){_NUMBER}){_EXTENSION}(?!\w|[-.:]\w)",
    re.IGNORECASE,
)
"""The ways to reach somebody. `<#C01|ops>` is how chats write a channel."""
_MAILBOX = re.compile(rf"(?P<name>[^<>@]*?)\s*<(?:mailto:)?(?P<mail>{_MAIL})>")
"""`Sam Byron <sam@shop.io>`, as mail programs write it."""
_BETWEEN = re.compile(r"[\s()\[\]:.,;/|&+\u2010-\u2015-]+")
_BESIDE_WORDS = """\
24/7 24 7 24x7 h 24h always anytime day night days nights weekdays weekends hours office work desk home mobile cell
cellphone handy phone telephone telefon tel fon call sms text whatsapp signal telegram voice direct line hotline pager
pagerduty opsgenie duty oncall on rota shift primary secondary main backup emergency urgent mail email e slack teams ms
msteams discord mattermost matrix zulip irc chat channel room bridge zoom ask ping dm message write in at via by to the
us or and then first else oder und ou et o y bureau t\u00e9l\u00e9phone tel\u00e9fono m\u00f3vil mobil b\u00fcro
t p m mob tél telefone celular cellulare komórka tlf puhelin page microsoft xmpp mastodon
тел телефон моб 電話 携帯 电话 手机 전화 휴대폰
"""
"""Words that may stand beside a contact. Any other may take it back (old, do not use), or make it something else."""
_BESIDE = frozenset(_BESIDE_WORDS.split())
_NOBODY_READS = re.compile(
    r"(?:no|do[-_.]?not|dont)[-_.]?reply\b.*|mailer-daemon|postmaster|bounces?|devnull|null", re.IGNORECASE
)
_STANDS_FOR = re.compile(
    r"(?:your|my|our|the|some)[-_.]?(?:org|company|domain|channel|team|name|handle|user|email|workspace|server|mail)\w*"
    r"|(?:channel|user|domain|company|team|handle|first|last|full)[-_.]?name|first[-_.]last|"
    r"(?:e-?mail|phone|name|address|number|contact|handle|channel)(?:[-_.]?here)?|your[-_.].*|x{2,}|foo|bar|baz|foobar|"
    r"user|username|place[-_]?holder|change[-_]?me",
    re.IGNORECASE,
)
"""What is written where a name is still to come."""
_MAILBOXES = frozenset({"contact", "email"})
"""What firms call a mailbox that somebody reads."""
_DOMAINS_THAT_STAND_FOR = frozenset({"domain", "company", "email", "mycompany", "yourcompany", "foo", "bar", "foobar"})
_RESERVED = re.compile(
    r"(?:^|[@.])example(?:\.(?:com|org|net|edu))?\.?$|\.(?:example|invalid|test|localhost)\.?$"
    r"|^example\.[a-z.]+$",
    re.IGNORECASE,
)
_HOST = re.compile(r"(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_][\w-]*[^\W_]\.?")
"""A whole name: a label, a dot, and a domain of letters."""
_FICTITIOUS = re.compile(
    r"1?[0-9]{3}55501[0-9]{2}|1?555[0-9]{4,}|1?5550?1?[0-9]{2}|([0-9])\1{6,}|[0-9]*([0-9])\2{6,}"
    # Ofcom's, ACMA's and Arcep's numbers for films and books.
    r"|(?:44|0)(?:2079460|1632960|7700900|8081570|1[1-6][0-9]4960|1914980|2896496|2920180|3069990)[0-9]{2,3}"
    r"|(?:61|0)(?:491570|[2378]5550|[2378]7010)[0-9]{2,4}|(?:33|0)(?:19900|26191|35301|46571|53649|63998)[0-9]{4}"
)
"""Digits of numbers that are kept for films, or that are typed to fill a field."""
_DATE = re.compile(
    r"(?<![0-9+])(?:19|20)[0-9]{2}[-/.][0-9]{1,2}[-/.][0-9]{1,2}"
    r"|(?<![0-9+])[0-9]{1,2}[-/.][0-9]{1,2}[-/.](?:19|20)[0-9]{2}(?![0-9])"
)
_ALL_DAY = re.compile(r"(?<![0-9/])\(?24/7\)?(?![0-9/])")
_OF_MEXICO_CITY = re.compile(r"\(?55\)?[ .-]?[0-9]{4}[ .-][0-9]{4}")
_DIALLED_AT_HOME = re.compile(
    r"1[3-9][0-9]{9}"  # China's mobile numbers
    r"|[6-9][0-9]{9}"  # India's
    r"|1[38]00[0-9]{6}"  # Australia's of one rate
    r"|8[3-9][0-9]{9}"  # Russia and Kazakhstan, with the 8 of a call within the country
)
_GROUPED_AT_LEAST = 8
_AMERICAN = re.compile(r"1?[2-9][0-9]{2}[2-9][0-9]{6}")
_GROUPED_AT_MOST = 9
_DIGITS_OF_SOMEBODY = 7
_COUNTS_UP = "01234567890123456789"
_COUNTS_UP_AT_LEAST = 7
EVERYBODY = frozenset({"channel", "everyone", "everybody", "here", "all", "room", "team", "online", "group"})
"""What chats call all who read it, wherever it is: by itself it reaches nobody."""
NO_CONTACT = "no phone number, mail address, link or channel"
MORE = "more than a contact: write the number, address, handle, channel or link alone"


@dataclass(frozen=True)
class Way:
    """One way to reach somebody that a contact names."""

    kind: str
    """number, mail, handle, link, id or markup."""
    text: str

    @property
    def is_personal(self) -> bool:
        """Whether it is masked in all output; a link or the name of a channel is nobody's secret.

        Dates and figures of a few digits are those of our own records too.
        """
        if self.kind != "number":
            return self.kind == "mail"
        digits = re.findall("[0-9]", self.text)
        return len(digits) >= _DIGITS_OF_SOMEBODY and not _DATE.search(self.text)


def ways_in(contact: str) -> list[Way]:
    """Return the ways to reach somebody that a text names, whatever they are good for."""
    return [
        Way(kind, text)
        for match in _FORMS.finditer(_plain(contact))
        for kind, text in match.groupdict().items()
        if text
    ]


def what_is_wrong_with(contact: str) -> str:
    """Return why nobody can be reached so; the empty text where somebody may be. The contact itself is not shown.

    >>> what_is_wrong_with("+49 30 23125 177"), what_is_wrong_with("@here")
    ('', 'a word for everybody: name whom it reaches')
    """
    text = _plain(contact)
    mailbox = _MAILBOX.fullmatch(text)
    if mailbox and not names_no_one_person(mailbox["name"]) and not says_nothing(mailbox["name"]):
        return _wrong_mail(mailbox["mail"])

    ways = ways_in(text)
    if not ways:
        return "a placeholder" if is_undecided(text) else NO_CONTACT
    wrong = next(filter(None, (_WRONG[way.kind](way.text) for way in ways)), "")
    return wrong or (MORE if any(_strange_words(text)) else "")


def _strange_words(text: str) -> Iterator[str]:
    """Yield the words beside the ways of a contact that are not among those that may stand there."""
    for word in _BETWEEN.split(_FORMS.sub(" ", text).casefold()):
        if word and word not in _BESIDE:
            yield word


def _plain(contact: str) -> str:
    return " ".join(_ALL_DAY.sub(" always ", contact).split())


def _wrong_mail(text: str) -> str:
    name, _, domain = text.partition("@")
    if _RESERVED.search(domain):
        return "at a domain that is reserved for examples"
    if _stands_for_another(name, domain):
        return "a placeholder"
    if _NOBODY_READS.fullmatch(name):
        return "an address that nobody reads"
    return "" if _HOST.fullmatch(domain) else NO_CONTACT


def _stands_for_another(name: str, domain: str) -> bool:
    """Check whether a mail address only holds the place of one."""
    labels = domain.casefold().split(".")
    is_domain_to_come = labels[0] in _DOMAINS_THAT_STAND_FOR or _STANDS_FOR.fullmatch(labels[0])
    is_name_to_come = _STANDS_FOR.fullmatch(name) and name.casefold() not in _MAILBOXES
    return bool(is_domain_to_come or is_name_to_come or says_nothing(name))


def _wrong_link(text: str) -> str:
    host = text.partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0]
    if _RESERVED.search(host):
        return "at a domain that is reserved for examples"
    if is_placeholder_link(text) or any(_STANDS_FOR.fullmatch(label) for label in host.split(".")[:-1]):
        return "a placeholder"
    if is_only_for_this_machine(text):
        return "a link that opens on its own machine alone"
    return "" if _HOST.fullmatch(host) else "no whole link: its host has no domain"


def _wrong_handle(text: str) -> str:
    name = re.split("[:@]", text[1:])[0]
    if name.casefold() in EVERYBODY or names_no_one_person(name, groups_too=False):
        return "a word for everybody: name whom it reaches"
    if says_nothing(name) or _STANDS_FOR.fullmatch(name):
        return "a placeholder"
    letters = [character for character in name if character.isalpha()]
    return "" if len(name) > 1 and letters else NO_CONTACT


def _wrong_number(text: str) -> str:
    digits = re.sub("[^0-9]", "", text)
    if _DATE.search(text):
        return "a date, and no contact"
    is_fictitious = _FICTITIOUS.fullmatch(digits) and not _OF_MEXICO_CITY.fullmatch(text.strip())
    if is_fictitious or _counts_up(digits):
        return "a number that is reserved for examples"
    return "" if _is_whole(text, digits) else "no whole phone number: begin with + and the country"


def _counts_up(digits: str) -> bool:
    """Check whether somebody ran a finger along the keys: 1234567, 01 23 45 67 89, also behind a country's number."""
    endings = (digits[start:] for start in range(len(digits) - _COUNTS_UP_AT_LEAST + 1))
    return any(ending in _COUNTS_UP for ending in endings)


def _is_whole(text: str, digits: str) -> bool:
    """Check whether a number can be dialled as it stands: with its country, or with the 0 of its own (E.164).

    A few digits alone are as well the number of a ticket or of a page.
    """
    if text.startswith("+"):
        is_american = digits.startswith("1")
        return bool(_AMERICAN.fullmatch(digits)) if is_american else 8 <= len(digits) <= 15 and digits[0] != "0"  # noqa: PLR2004  E.164
    if digits.startswith("0"):
        return 8 <= len(digits) <= 17  # noqa: PLR2004  00 and the country before the fifteen
    is_grouped = digits != text
    if _AMERICAN.fullmatch(digits) or _DIALLED_AT_HOME.fullmatch(digits):
        return True
    # Spain and Poland dial nine digits without a 0, Norway and Singapore eight.
    return is_grouped and _GROUPED_AT_LEAST <= len(digits) <= _GROUPED_AT_MOST and digits[0] != "1"


def _wrong_markup(text: str) -> str:
    written = text.partition("|")[0]
    if written.startswith(("http:", "https:")):
        return _wrong_link(written)
    return _wrong_mail(written.partition(":")[2]) if written.startswith("mailto:") else _wrong_everybody(written)


def _wrong_everybody(text: str) -> str:
    is_group = text.casefold().startswith("!subteam^")
    return "a word for everybody: name whom it reaches" if text.startswith("!") and not is_group else ""


def _wrong_id(text: str) -> str:
    return "a placeholder" if says_nothing(text) or _STANDS_FOR.fullmatch(text) else ""


_WRONG = {
    "markup": _wrong_markup,
    "link": _wrong_link,
    "mail": _wrong_mail,
    "id": _wrong_id,
    "handle": _wrong_handle,
    "number": _wrong_number,
}
