"""The channels of a launch, who is in them, what was announced and decided there, and the service's status page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from readiness.clients.status_pages import Notice, Page, StatusPages
from readiness.environment.communication import Communication, DecisionFormat, OwnPage, People
from readiness.environment.schema import Environment
from readiness.observations import observation
from readiness.observations.needs import need, stated
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.shown import shown
from readiness.sources.chat import Channel, ChatChannel, Chats
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
_CLOCK = re.compile(r"\b[0-9]{1,2}[:.h][0-9]{2}")
_OK = 200
_UNDER_WAY = {"in_progress", "inprogress", "identified", "verifying"}
"""A maintenance that has begun and not ended, in Statuspage's and Instatus' words."""


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
    """The last decision on the launch, by anybody who may decide."""

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
    """The open incident that the page has not updated for longest, and for how long."""

    incidents: int
    minutes: float
    incident: str = ""


@need("communication.slack or communication.discord")
def place_of_channel(chats: Chats, channel: str) -> ChatChannel:
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
def deciders(environment: Environment) -> DecisionFormat:
    """Return who decides on the launch, and in which words. Raises NotConfigured."""
    decision = settings_of(environment).decision
    if decision is None:
        raise NotConfigured("who decides on the launch, and where, is not named", "set communication.decision")
    return decision


@need("communication.slack or communication.discord")
def place_of_decision(chats: Chats, environment: Environment) -> ChatChannel:
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
    """Return whether a channel of the runbook exists, and whether it is archived."""
    place = chats.place(channel)
    of_chat = place.chat.channel(place.name)
    if of_chat is None:
        return ChannelState(exists=False, archived=False)
    return ChannelState(exists=True, archived=of_chat.archived)


@observation(needs=(stakeholders, place_of_channel))
def attendance(chats: Chats, environment: Environment, channel: str) -> Attendance:
    """Return which of the stakeholders that the environment names are not in a channel."""
    people = stakeholders(environment)
    place, opened = _open(chats, channel)
    return Attendance(len(people), place.chat.absent(opened, people))


@observation(needs=(settings_of, place_of_channel))
def launch_announcement(
    chats: Chats, environment: Environment, channel: str, moment: datetime, launch_at: datetime
) -> Announcement:
    """Return the message that announces the launch best, with the parts that it lacks."""
    parts = settings_of(environment).announcement
    place, opened = _open(chats, channel)
    messages = place.chat.messages(opened, launch_at - LEAD, max(moment, launch_at))

    best = min(messages, key=lambda message: len(missing_parts(message.text, parts)), default=None)
    missing = missing_parts(best.text, parts) if best else list(parts)
    # A message with none of the parts announces nothing.
    if best is None or len(missing) == len(parts):
        return Announcement("", ["the announcement itself"])
    return Announcement(best.at.isoformat(), missing)


@observation(needs=(deciders, place_of_decision))
def go_decision(chats: Chats, environment: Environment, moment: datetime, launch_at: datetime) -> GoDecision:
    """Return the last decision for or against the launch that a named decider wrote into the channel."""
    decision = deciders(environment)
    begin = launch_at - timedelta(hours=decision.hours_before)
    place, opened = _open(chats, decision.channel)
    messages = place.chat.messages(opened, begin, max(moment, begin))
    names_by_id = {person: name for name, person in decision.deciders.items()}

    for message in reversed(messages):
        if message.author not in names_by_id:
            continue
        go = decided(message.text, decision)
        # Who says yes to a launch that has been lets nobody launch; a no always counts.
        is_hindsight = go is True and message.at > launch_at
        if go is None or is_hindsight:
            continue
        return GoDecision(
            made=True,
            go=go,
            who=names_by_id[message.author],
            at=message.at.isoformat(),
            text=shown(message.text, SHOWN),
        )
    return GoDecision(made=False, go=False)


@observation(needs=page_for)
def page_state(
    status_pages: StatusPages, http: Http, environment: Environment, launch_at: datetime | None, shows: Shown
) -> PageState:
    """Return what is wrong on the service's own status page.

    `shows` is what it is read for: that the launch is announced, that the service is live, or the present health.
    """
    own = own_page(environment)
    if shows == "live":
        notices = status_pages.notices(own)
        return PageState("", list(_not_live(notices, own, stated(launch_at))))

    page = status_pages.page(own)
    if shows == "launch":
        notices = [*page.maintenances, *page.incidents]
        return PageState(page.says, list(_not_announced(notices, launch_words(environment), stated(launch_at))))
    return PageState(page.says, list(_not_true(page, own, http)))


def _not_true(page: Page, own: OwnPage, http: Http) -> Iterator[str]:
    """Yield what the page says and is not so: that all is well, and that a maintenance goes on."""
    now = datetime.now(UTC)
    answer = http.get(own.health)
    if page.fine and not page.incidents and answer.status != _OK:
        yield f"it says {page.says}, and {own.health} answers {answer.status}"

    for maintenance in page.maintenances:
        is_overdue = maintenance.ends is not None and maintenance.ends < now
        if is_overdue and maintenance.state in _UNDER_WAY:
            yield (
                f"{shown(maintenance.name, SHOWN)} is still under way;"
                f" it should have ended at {maintenance.ends:%Y-%m-%d %H:%M}Z"
            )


@observation(needs=own_page)
def incident_silence(status_pages: StatusPages, environment: Environment) -> Silence:
    """Return the open incident that the page has not updated for longest. Raises Unknown for one without dates."""
    page = status_pages.page(own_page(environment))
    now = datetime.now(UTC)

    minutes_silent: dict[str, float] = {}
    for incident in page.incidents:
        if not incident.updates:
            raise Unknown(
                f"the page does not say when it told of {shown(incident.name, SHOWN)}", "attest the line instead"
            )
        # An update may be dated ahead.
        minutes_silent[incident.name] = max(0.0, (now - max(incident.updates)).total_seconds() / 60)

    longest = max(minutes_silent, key=lambda name: minutes_silent[name], default="")
    return Silence(len(page.incidents), minutes_silent.get(longest, 0.0), shown(longest, SHOWN))


def _open(chats: Chats, name: str) -> tuple[ChatChannel, Channel]:
    """Return a channel that can be read. Raises Unknown where there is none: nothing can be seen in it."""
    place = chats.place(name)
    channel = place.chat.channel(place.name)
    if channel is None:
        raise Unknown(f"the channel {name} does not exist", "create it, or correct communication.channels")
    return place, channel


def missing_parts(text: str, parts: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the parts of an announcement that a text lacks: no line of theirs, or nothing behind it.

    `parts` maps each part to the words that a line of it begins with, as in `Time: 09:00 UTC`.
    """
    stripped = [_EMOJI.sub("", line).strip(_MARKS) for line in text.splitlines()]
    lines = [line for line in stripped if line]

    missing: list[str] = []
    for part, words in parts.items():
        value = _value_of(lines, words, parts)
        if value is None or not _says_something(part, value):
            missing.append(part)
    return missing


def _says_something(part: str, value: str) -> bool:
    """Check that a part's value is no "tbd" or the like; of the time, that there is a time of day in it."""
    if _NOTHING.match(value):
        return False
    return part != "time" or _CLOCK.search(value) is not None


def _value_of(lines: list[str], words: tuple[str, ...], parts: Mapping[str, tuple[str, ...]]) -> str | None:
    """Return what stands behind a part's word, on its line or alone on the next; None where nothing does."""
    for number, line in enumerate(lines):
        value = _behind(line, words)
        if value is None:
            continue
        if value:
            return value

        # A label alone on its line: its value is the next line, unless that is labelled itself.
        following = lines[number + 1] if number + 1 < len(lines) else ""
        is_labelled = any(_behind(following, other_words) is not None for other_words in parts.values())
        if following and not is_labelled:
            return following
    return None


def _behind(line: str, words: tuple[str, ...]) -> str | None:
    """Return what follows one of the words and a colon, `=` or dash; "" for the word alone, None for another line."""
    names = "|".join(re.escape(word) for word in words)
    # A hyphen needs a space after it: "time-out" is another word. Markup may stand around the colon.
    match = re.match(rf"(?:{names})[\s*_`~]*(?:(?:[:=\u2013\u2014]|-(?=\s))[\s*_`~]*(.*))?$", line, re.IGNORECASE)
    if match is None:
        return None
    return match[1] or ""


def decided(text: str, decision: DecisionFormat) -> bool | None:
    """Return whether a text is a go (True) or a no-go (False); None where it is neither.

    A question is neither, nor is a go with a condition ("GO if ...", "GO is not given"), nor one that is quoted.
    """
    plain = _EMOJI.sub("", text)

    # No-go first, and anywhere in the text: a doubt counts against the launch. "NO-GO" may be typed with any dash.
    dashed = _DASH.sub("-", plain)
    if any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", dashed, re.IGNORECASE) for word in decision.no_go):
        return False

    own_words = _QUOTED.sub("", plain)
    for word in decision.go:
        # At the beginning of a line or after a colon, and in the letters that are configured: not that of "let's go".
        pattern = rf"(?:^|:)[{re.escape(_MARKS)}]*{re.escape(word)}(?!\w)(?![-\u2010\u2011])(?!.*\?)(?!{_CONDITION})"
        if re.search(pattern, own_words, re.MULTILINE):
            return True
    return None


def mentions(text: str, words: tuple[str, ...]) -> bool:
    """Check whether a text has one of the words; those in capitals must stand so."""
    for word in words:
        flags = 0 if word.isupper() else re.IGNORECASE
        if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, flags):
            return True
    return False


def _not_announced(notices: list[Notice], words: tuple[str, ...], launch_at: datetime) -> Iterator[str]:
    """Yield why no notice of the page announces the launch, which is known by these words."""
    of_launch = [notice for notice in notices if mentions(notice.text, words) and not notice.over]
    if not of_launch:
        yield f"no notice names {' or '.join(words)}"
        return

    # One that is not dated announces it, and one that covers it; others do not make that wrong.
    if any(notice.begins is None or _covers(notice, launch_at) for notice in of_launch):
        return
    for notice in of_launch:
        end = f"{notice.ends:%Y-%m-%d %H:%M}Z" if notice.ends else "open"
        yield (
            f"{shown(notice.name, SHOWN)} is announced for {notice.begins:%Y-%m-%d %H:%M}Z to {end},"
            f" the launch is at {launch_at:%Y-%m-%d %H:%M}Z"
        )


def _covers(notice: Notice, moment: datetime) -> bool:
    if notice.begins is None or notice.begins > moment:
        return False
    return notice.ends is None or moment <= notice.ends


def _not_live(notices: list[Notice], own: OwnPage, launch_at: datetime) -> Iterator[str]:
    """Yield that no notice since the launch says that the service is live."""
    since_launch = [notice for notice in notices if notice.updates and max(notice.updates) >= launch_at]
    of_launch = [notice for notice in since_launch if own.launch is None or mentions(notice.text, own.launch)]
    if not any(mentions(notice.text, own.live) for notice in of_launch):
        yield f"nothing since the launch says {' or '.join(own.live)}"
