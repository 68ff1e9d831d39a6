"""What the chat and the status page tell: the channels of a launch, who is in them, and what was said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from readiness.clients.status_pages import Notice, StatusPages
from readiness.environment.communication import Communication, Decision, OwnPage, People
from readiness.environment.schema import Environment
from readiness.observations import observation
from readiness.observations.needs import need, stated
from readiness.outcomes import NotConfigured, Unknown
from readiness.sources.chat import Channel, Chats, Place
from readiness.transport.http import Http

Shown = Literal["launch", "live", "health"]
LEAD = timedelta(minutes=15)
"""A launch that went ahead of its time may be announced so much before it."""
SHOWN = 80
_MARKS = " \t*_`~>#\u2022\u00b7\u2013\u2014-"
"""What stands before the words of a line: markup, bullets, dashes."""
_QUOTED = re.compile(r"^\s*>>>[\s\S]*|^[^\S\n]*>.*$", re.MULTILINE)
_DASH = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_CONDITION = r"(?i:[^.!;\n]*\b(?:not|only|unless|if|once|when|after|until|pending)\b)"
_EMOJI = re.compile(r":[a-z][a-z0-9_+-]*:")
_NOTHING = re.compile(r"(unknown|not set|tb[acd]|n/?a|none|\?+|-+)(\W|$)", re.IGNORECASE)
_CLOCK = re.compile(r"\b\d{1,2}[:.h]\d{2}")
_OK = 200
_OVERDUE = "in_progress", "inprogress", "identified", "verifying"


@dataclass(frozen=True)
class ChannelState:
    """Whether a channel is there, and of use."""

    exists: bool
    archived: bool


@dataclass(frozen=True)
class Attendance:
    """Which of the stakeholders are not in a channel."""

    expected: int
    absent: list[str]


@dataclass(frozen=True)
class Announcement:
    """What the best announcement of the launch lacks."""

    at: str
    """When it was made; empty where there is none."""
    missing: list[str]


@dataclass(frozen=True)
class GoDecision:
    """The last word that a decider said on the launch."""

    made: bool
    go: bool
    who: str = ""
    at: str = ""
    text: str = ""


@dataclass(frozen=True)
class PageState:
    """What the status page says, and what of it is missing or wrong."""

    says: str
    wrong: list[str]


@dataclass(frozen=True)
class Silence:
    """How long the open incident that was told of last of all has not been told of."""

    incidents: int
    minutes: float
    incident: str = ""


@need("communication.slack or communication.discord")
def place_of_channel(chats: Chats, channel: str) -> Place:
    """Return where a channel of the runbook is. Raises NotConfigured."""
    return chats.place(channel)


@need("communication")
def settings_of(environment: Environment) -> Communication:
    """Return where people are told. Raises NotConfigured."""
    if environment.communication is None:
        raise NotConfigured("where people are told is not configured", "set communication in the environment file")
    return environment.communication


@need("communication.stakeholders")
def stakeholders(environment: Environment) -> People:
    """Return who must be in the channel. Raises NotConfigured."""
    people = settings_of(environment).stakeholders
    if not people:
        raise NotConfigured("no stakeholder is named", "set communication.stakeholders: {name: id in the chat}")
    return people


@need("communication.decision")
def deciders(environment: Environment) -> Decision:
    """Return who decides on the launch, and in which words. Raises NotConfigured."""
    decision = settings_of(environment).decision
    if decision is None:
        raise NotConfigured("who decides on the launch, and where, is not named", "set communication.decision")
    return decision


@need("communication.slack or communication.discord")
def place_of_decision(chats: Chats, environment: Environment) -> Place:
    """Return where the decision is made. Raises NotConfigured."""
    return chats.place(deciders(environment).channel)


@need("communication.status_page")
def own_page(environment: Environment) -> OwnPage:
    """Return the service's own status page. Raises NotConfigured."""
    page = settings_of(environment).status_page
    if page is None:
        raise NotConfigured(
            "no status page of the service is configured",
            "set communication.status_page, or not_applicable with the reason where there is none",
        )
    return page


@need("communication.status_page.launch")
def launch_words(environment: Environment) -> tuple[str, ...]:
    """Return the words by which a notice of the launch is known. Raises NotConfigured."""
    words = own_page(environment).launch
    if words is None:
        raise NotConfigured(
            "by which words a notice of the launch is known is not named", "set communication.status_page.launch"
        )
    return words


@need("communication.status_page, for a launch with launch_at and communication.status_page.launch")
def page_for(environment: Environment, launch_at: datetime | None, shows: Shown) -> None:
    """Make sure that all is named which the page is held against. Raises NotConfigured."""
    own_page(environment)
    if shows != "health":
        stated(launch_at)
    if shows == "launch":
        launch_words(environment)


@observation(needs=place_of_channel)
def channel_state(chats: Chats, channel: str) -> ChannelState:
    """Look for a channel of the runbook."""
    place = chats.place(channel)
    found = place.chat.channel(place.name)
    return ChannelState(found is not None, found is not None and found.archived)


@observation(needs=(stakeholders, place_of_channel))
def attendance(chats: Chats, environment: Environment, channel: str) -> Attendance:
    """Compare the members of the channel with the stakeholders that the environment names."""
    people = stakeholders(environment)
    place, found = _opened(chats, channel)
    return Attendance(len(people), place.chat.absent(found, people))


@observation(needs=(settings_of, place_of_channel))
def launch_announcement(
    chats: Chats, environment: Environment, channel: str, moment: datetime, launch_at: datetime
) -> Announcement:
    """Find the message that announces the launch best, and name the parts that it lacks."""
    parts = settings_of(environment).announcement
    place, found = _opened(chats, channel)
    said = place.chat.messages(found, launch_at - LEAD, max(moment, launch_at))
    best = min(said, key=lambda one: len(missing_parts(one.text, parts)), default=None)
    if best is None or len(missing_parts(best.text, parts)) == len(parts):
        return Announcement("", ["the announcement itself"])
    return Announcement(best.at.isoformat(), missing_parts(best.text, parts))


@observation(needs=(deciders, place_of_decision))
def go_decision(chats: Chats, environment: Environment, moment: datetime, launch_at: datetime) -> GoDecision:
    """Find the last decision for or against the launch that a named decider wrote into the channel."""
    decision = deciders(environment)
    begins = launch_at - timedelta(hours=decision.hours_before)
    place, found = _opened(chats, decision.channel)
    names = {person: name for name, person in decision.deciders.items()}
    for one in reversed(place.chat.messages(found, begins, max(moment, begins))):
        go = decided(one.text, decision) if one.author in names else None
        if go is not None:
            return GoDecision(True, go, names[one.author], one.at.isoformat(), one.text.strip()[:SHOWN])
    return GoDecision(made=False, go=False)


@observation(needs=page_for)
def page_state(
    status_pages: StatusPages, http: Http, environment: Environment, launch_at: datetime | None, shows: Shown
) -> PageState:
    """Read the service's own status page: whether it shows the launch, that it is done, or the present health."""
    own = own_page(environment)
    if shows == "live":
        return PageState("", list(_not_live(status_pages.told(own), own, stated(launch_at))))
    page = status_pages.page(own)
    if shows == "launch":
        notices = [*page.maintenances, *page.incidents]
        return PageState(page.says, list(_not_announced(notices, launch_words(environment), stated(launch_at))))
    now, wrong = datetime.now(UTC), []
    answer = http.get(own.health)
    if page.fine and not page.incidents and answer.status != _OK:
        wrong.append(f"it says {page.says}, and {own.health} answers {answer.status}")
    wrong += [
        f"{one.name[:SHOWN]} is still under way; it should have ended at {one.ends:%Y-%m-%d %H:%M}Z"
        for one in page.maintenances
        if one.ends and one.ends < now and one.state in _OVERDUE
    ]
    return PageState(page.says, wrong)


@observation(needs=own_page)
def incident_silence(status_pages: StatusPages, environment: Environment) -> Silence:
    """Measure for how long the page has not told of an incident that is open."""
    page, now = status_pages.page(own_page(environment)), datetime.now(UTC)
    waits: dict[str, float] = {}
    for one in page.incidents:
        if not one.updates:
            raise Unknown(f"the page does not say when it told of {one.name[:SHOWN]}", "attest the line instead")
        waits[one.name] = max(0.0, (now - max(one.updates)).total_seconds() / 60)
    longest = max(waits, key=lambda name: waits[name], default="")
    return Silence(len(page.incidents), waits.get(longest, 0.0), longest[:SHOWN])


def _opened(chats: Chats, channel: str) -> tuple[Place, Channel]:
    """Give a channel that can be read. Where there is none, nothing can be seen in it."""
    place = chats.place(channel)
    found = place.chat.channel(place.name)
    if found is None:
        raise Unknown(f"the channel {channel} does not exist", "create it, or correct communication.channels")
    return place, found


def missing_parts(text: str, parts: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Name the parts that a text does not tell: no line of theirs, or nothing behind it."""
    lines = [stripped for line in text.splitlines() if (stripped := _EMOJI.sub("", line).strip(_MARKS))]
    told = {part: value for part, words in parts.items() if (value := _told(lines, words, parts)) is not None}
    return [
        part
        for part in parts
        if part not in told or _NOTHING.match(told[part]) or (part == "time" and not _CLOCK.search(told[part]))
    ]


def _told(lines: list[str], words: tuple[str, ...], parts: Mapping[str, tuple[str, ...]]) -> str | None:
    """Give what stands behind a part's word, on its line or alone on the next."""
    for place, line in enumerate(lines):
        value = _behind(line, words)
        if value is None:
            continue
        after = lines[place + 1] if place + 1 < len(lines) else ""
        labelled = any(_behind(after, others) is not None for others in parts.values())
        value = value or ("" if labelled else after)
        if value:
            return value
    return None


def _behind(line: str, words: tuple[str, ...]) -> str | None:
    names = "|".join(re.escape(word) for word in words)
    found = re.match(rf"(?:{names})[\s*_`~]*(?:(?:[:=\u2013\u2014]|-(?=\s))[\s*_`~]*(.*))?$", line, re.IGNORECASE)
    return (found[1] or "") if found else None


def decided(text: str, decision: Decision) -> bool | None:
    """Tell whether a text is a go (True) or a no-go (False); None where it is neither.

    A question is neither, nor is a go with a condition ("GO if ...", "GO is not given"), nor one that is quoted.
    """
    plain = _EMOJI.sub("", text)
    dashed = _DASH.sub("-", plain)
    if any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", dashed, re.IGNORECASE) for word in decision.no_go):
        return False
    own = _QUOTED.sub("", plain)
    for word in decision.go:
        begins = rf"(?:^|:)[{re.escape(_MARKS)}]*{re.escape(word)}(?!\w)(?![-\u2010\u2011])(?!.*\?)(?!{_CONDITION})"
        if re.search(begins, own, re.MULTILINE):
            return True
    return None


def mentions(text: str, words: tuple[str, ...]) -> bool:
    """Tell whether a text has one of the words; those in capitals must stand so."""
    return any(
        re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, 0 if word.isupper() else re.IGNORECASE) for word in words
    )


def _not_announced(notices: list[Notice], words: tuple[str, ...], launch_at: datetime) -> Iterator[str]:
    found = [one for one in notices if mentions(one.text, words) and not one.over]
    if not found:
        yield f"no notice names {' or '.join(words)}"
        return
    if any(one.begins is None or _around(one, launch_at) for one in found):
        return
    for one in found:
        told = f"{one.begins:%Y-%m-%d %H:%M}Z to {f'{one.ends:%Y-%m-%d %H:%M}Z' if one.ends else 'open'}"
        yield f"{one.name[:SHOWN]} is announced for {told}, the launch is at {launch_at:%Y-%m-%d %H:%M}Z"


def _around(one: Notice, launch_at: datetime) -> bool:
    return one.begins is not None and one.begins <= launch_at and (one.ends is None or launch_at <= one.ends)


def _not_live(notices: list[Notice], own: OwnPage, launch_at: datetime) -> Iterator[str]:
    after = [one for one in notices if one.updates and max(one.updates) >= launch_at]
    named = [one for one in after if own.launch is None or mentions(one.text, own.launch)]
    if not any(mentions(one.text, own.live) for one in named):
        yield f"nothing since the launch says {' or '.join(own.live)}"
