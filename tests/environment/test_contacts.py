"""What a contact is: somebody can be reached by it as it stands. A row is a contact, and what is said of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.config.contacts import what_is_wrong_with
from readiness.environment.people import Person
from readiness.redaction.secret import is_masked, known_secrets

PLACEHOLDER, RESERVED, FICTITIOUS = "a placeholder", "reserved for examples", "a number that is reserved"
EVERYBODY, NONE, MORE = "a word for everybody", "no phone number", "more than a contact"
PARTIAL, DATE, UNREAD, OWN = "no whole phone number", "a date", "nobody reads", "on its own machine"
OF_NO_USE = {
    PLACEHOLDER: [
        *("", "TBD", "tbd (ask Bob)", "TODO", "to be defined", "N/A", "n/a", "???", "___", "...", "xxx-xxxx", "XXXX"),
        *("name here", "Phone number here", "[phone]", "<mail>", "{{ phone }}", "none", "vacant", "open position"),
        *(
            "user@domain.com",
            "oncall@yourcompany.com",
            "foo@bar.com",
            "your.name@shop.io",
            "xxx@shop.io",
            "tbd@shop.io",
        ),
        *("#your-channel", "#channel-name", "@username", "@your-handle", "@TBD", "https://your-org.pagerduty.com"),
        *("your-email@company.com here", "https://yourcompany.statuspage.io/x", "slack:TBD", "https://.../x"),
    ],
    RESERVED: [
        *("ops@example.com", "https://example.org/oncall", "a@b.test", "https://support.invalid/x", "x@mail.example"),
        *("Sam <sam@example.com>", "mailto:ops@example.net", "https://x.example", "sip:ada@pbx.test"),
    ],
    FICTITIOUS: [
        *("+1-555-0100", "+1 (212) 555-0147", "555 1234567", "+44 20 7946 0123", "0000000", "1234567890", "1234567"),
        *("01632 960001", "+61 491 570 006", "+1 000 000 0000", "+49 111 1111111", "07700 900123", "01 99 00 12 34"),
        *("+1 234 567 8901 (old, do not use)", "see wiki page 1234567", "01 23 45 67 89", "+49 30 1234567"),
    ],
    EVERYBODY: ["@everyone", "@here", "@channel", "@all", "@me", "@someone", "@EVERYONE", "<!HERE>", "@team"],
    NONE: [
        *("Ada", "the usual channel", "ticket OPS-1234567", "@a", "#1", "#1234567", "@7", "ask around", "ada@shop"),
        *("see the wiki", "OPS-7654321", "the number on the wall", "ada at shop dot io", "@"),
        "\uff0b\uff14\uff19 \uff13\uff10 \uff12\uff13\uff11\uff12\uff15 \uff11\uff17\uff17",
        "\u0664\u0669\u0663\u0660\u0662\u0663\u0661\u0662\u0665\u0661\u0667\u0667",
    ],
    MORE: [
        *("+49 30 2312 5177 (old, do not use)", "ada@shop.io (left the company)", "#launch-room (archived)"),
        *(
            "formerly @ada.l",
            "not #ops",
            "+49 30 2312 5177 ?",
            "@ada.l until Friday",
            "see https://wiki.shop.io/contacts",
        ),
        *(
            "ada@shop.io ung\u00fcltig",
            "n\u00e3o usar +351 912 345 670",
            "do not call +49 30 2312 5177",
        ),
    ],
    PARTIAL: [
        *(
            "12345",
            "7654321",
            "8675309",
            "page 7654321",
            "1764374400",
            "192.168.100.200",
            "12 34 56 79",
            "extension 12",
            "ticket 49 at #ops",
        ),
        *("+49", "+0 30 2312 5177", "+4930231251770011223344"),
    ],
    DATE: ["2026-11-29", "2026-11-29 0900", "29.11.2026", "2026/11/29"],
    UNREAD: [
        "noreply@shop.io",
        "no-reply@shop.io",
        "do-not-reply@shop.io",
        "mailer-daemon@shop.io",
        "noreply+ops@shop.io",
    ],
    OWN: ["http://localhost.localdomain/x", "http://ip6.localdomain/x"],
    "no whole link": ["https://x", "https://pager/oncall", "http://10.0.0.3/call"],
}
OF_USE = [
    *(
        "+49 30 23125 177",
        "+1 212 736 5000",
        "020 8743 8000 ext. 12",
        "(212) 736-5000",
        "1-212-736-5000",
        "0044 20 8743 8000",
    ),
    *("+49 (0)30 2312 5177", "+33 1 42 68 53 00", "+45 33 12 24 35", "912 345 670", "tel:+4930231251", "+4930231251"),
    *(
        "+81-3-1234-5670",
        "+86 138 0013 8000",
        "0800 83 83 83",
        "+49 30 2312/5177",
        "+44 20 8743 8000 x12",
        "+41 44 668 18 00",
    ),
    *(
        "ada@shop.io",
        "test@shop.io",
        "ana@examples.co",
        "ops+oncall@eu.shop.io",
        "o'brien@shop.ie",
        "mailto:ada@shop.io",
    ),
    # As people dial at home: Mexico City, Russia, Norway, China, India, Australia.
    *("55 5658 1111", "(55) 5658-1111", "8 (495) 697-03-49", "8-495-697-03-49", "22 12 34 57", "13800138000"),
    *("138 0013 8000", "98200 12344", "1300 655 506", "1800 801 920"),
    *(
        "24/7: +49 30 23125177",
        "+49 30 23125177 (24/7)",
        "T +49 30 23125177",
        "P: 415-867-5309",
        "Microsoft Teams: a@shop.io",
    ),
    *(
        "T\u00e9l. 01 42 68 53 00",
        "\u0442\u0435\u043b. +7 495 697-03-49",
        "\u96fb\u8a71 03-3212-1234",
        "\uc804\ud654 02-731-2120",
    ),
    *("contact@shop.fr", "email@shop.io", "xmpp:ada@shop.io", "Matrix @ada:matrix.org", "@ada@shop.social"),
    "<!subteam^S012ABC|oncall>",
    *("Sam <sam@acme.io>", "Sam Byron <sam@acme.io>", "j\u00f6rg@m\u00fcller.de", "ada@shop.local", "here@shop.io"),
    *(
        "#launch-room",
        "@ada.l",
        "@al",
        "@ops-team",
        "#ops",
        "@sre_oncall",
        "#\u904b\u7528",
        "#general",
        "@\u0430\u043d\u043d\u0430",
    ),
    *(
        "sip:ada@pbx.io",
        "slack:U024BE7LH",
        "msteams:ops/general",
        "<#C01|ops>",
        "<@U024BE7LH>",
        "<https://shop.pagerduty.com|page>",
    ),
    *(
        "https://supabase.com/dashboard/support",
        "https://shop.pagerduty.com/schedules#P1",
        "https://support.stripe.com",
    ),
    *("Slack #ops", "ask in #ops", "Tel.: +49 30 2312 5177", "+49 151 2312 5177 (mobile)", "+49 30 2312 5177 (24/7)"),
    *(
        "ada@shop.io, +49 30 2312 5177",
        "#ops or @ada.l",
        "on-call phone: +1 212 736 5000",
        "+49 30 2312 5177 / ada@shop.io",
    ),
]
"""As teams write them."""


@pytest.mark.parametrize(
    ("contact", "says"), [(contact, says) for says, contacts in OF_NO_USE.items() for contact in contacts]
)
def test_a_contact_of_no_use_is_told(contact: str, says: str) -> None:
    assert says in what_is_wrong_with(contact)


@pytest.mark.parametrize("contact", OF_USE)
def test_a_contact_of_use_is_one(contact: str) -> None:
    assert what_is_wrong_with(contact) == ""


@pytest.mark.parametrize("contact", [contact for contact in OF_USE if "(" not in contact and "<" not in contact])
@pytest.mark.parametrize("taken_back", ["{} (old)", "not {} any more", "{} - retired", "obsolet: {}", "{} ist falsch"])
def test_a_contact_that_is_taken_back_is_none(contact: str, taken_back: str) -> None:
    assert what_is_wrong_with(taken_back.format(contact))


@given(st.text(max_size=60))
def test_any_text_can_be_asked_and_is_not_shown(text: str) -> None:
    wrong = what_is_wrong_with(text)
    is_shown = len(text.strip()) > len("a placeholder") and text.strip() in wrong
    assert not is_shown


def person(contact: str) -> Person:
    return Person.model_validate({"name": "Ada Lovelace", "contact": contact})


@pytest.mark.parametrize(
    ("contact", "masked"),
    [
        ("+49 30 99125 177", ["+49 30 99125 177"]),
        ("ada@byron.io, +49 30 99125 178", ["ada@byron.io", "+49 30 99125 178"]),
        ("Sam <sam@byron.io>", ["sam@byron.io"]),
        ("#launch-room-9", []),
        ("https://byron.pagerduty.com/x", []),
    ],
)
def test_numbers_and_addresses_are_masked_each_by_itself(contact: str, masked: list[str]) -> None:
    person(contact)
    assert set(masked) <= known_secrets()
    assert masked or contact not in known_secrets()


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2026-11-29",
            "2026-11-29T09:00:00Z",
            "2026-11-29T09:00:00.123456+00:00",
            "2026-11-29 09:00",
            "20261129T090000Z",
        ),
    ],
)
def test_how_the_evidence_is_dated_is_nobodys_secret(text: str) -> None:
    before = known_secrets()
    for contact in (text, f"since {text}", f"#ops ({text})", f"{text}!", f"v{text}"):
        person(contact)
    assert known_secrets() == before
    assert not is_masked(text)


@pytest.mark.parametrize("text", ["8675309124", "20261129", "2026-11-29x", "a2026-11-29"])
def test_what_only_resembles_a_date_stays_a_secret(text: str) -> None:
    assert is_masked(text)
