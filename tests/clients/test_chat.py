"""Slack and Discord against the sandbox's stand-ins, and against what a chat can say beside the truth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from readiness.clients.discord import PER_PAGE
from readiness.environment.communication import Communication
from readiness.environment.communication import Slack as SlackSettings
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.secret import Secret
from readiness.sandbox.vendors import discord, slack
from readiness.sandbox.web import Web
from readiness.sources.chat import Channel, Chats
from readiness.sources.table import Clients
from tests.clients.conftest import Make
from tests.clients.servers import Server, document

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
BEFORE = NOW - timedelta(hours=1)
ROOM = Channel(slack.ROLLOUT, "ingestion-rollout", archived=False)
PEOPLE = {"Ada": slack.ADA, "Nobody": "U0NOBODY00"}


@pytest.fixture
def workspace() -> slack.Slack:
    return slack.Slack()


@pytest.fixture
def guild() -> discord.Discord:
    return discord.Discord()


@pytest.fixture
def sections(workspace: slack.Slack, guild: discord.Discord) -> Iterator[dict[str, Any]]:
    one, other = Web(workspace.application()), Web(guild.application())
    yield {
        "slack": {"url": one.url, "token": Secret(workspace.token)},
        "discord": {"url": other.url, "token": Secret(guild.token), "guild": discord.GUILD},
    }
    one.stop()
    other.stop()


@pytest.fixture
def clients(make: Make, sections: dict[str, Any]) -> Clients:
    return make(communication=sections)


def found(clients: Clients, name: str) -> Any:
    place = clients.chats.place(name)
    return place.chat.channel(place.name)


def test_slacks_channels_are_found_on_every_page(clients: Clients) -> None:
    assert found(clients, "launch-war-room").id == "C0WARROOM1"
    assert found(clients, "slack/#incidents").id == "C0INCIDENT"
    assert found(clients, slack.ROLLOUT).name == "ingestion-rollout"


def test_a_channel_that_is_not_seen_may_be_private(clients: Clients, make: Make, sections: dict[str, Any]) -> None:
    for name in ("slack/secret", "slack/C0SECRET01", "discord/secret"):
        with pytest.raises(Unknown, match="does not exist, or it is private"):
            found(clients, name)
    public = make(communication=sections | {"channels_public": True})
    assert [found(public, name) for name in ("slack/secret", "slack/C0SECRET01", "discord/secret")] == [None] * 3


def test_a_live_channel_wins_over_an_archived_one_of_its_name(clients: Clients, workspace: slack.Slack) -> None:
    workspace.rooms["C0OLDROOM1"] = slack.Room("incidents", archived=True)
    workspace.rooms = dict(reversed(workspace.rooms.items()))
    assert not found(clients, "incidents").archived
    del workspace.rooms["C0INCIDENT"]
    assert found(clients, "incidents").archived


def test_slack_refuses_with_status_200(clients: Clients, workspace: slack.Slack) -> None:
    place = clients.chats.place(slack.ROLLOUT)
    workspace.scopes.clear()
    with pytest.raises(Unknown, match=r"missing_scope \(give the bot the scope channels:read"):
        found(clients, "incidents")
    workspace.scopes.add("channels:history")
    workspace.rooms[slack.ROLLOUT].members.remove(slack.BOT)
    with pytest.raises(Unknown, match=r"not_in_channel \(invite the bot"):
        place.chat.messages(ROOM, BEFORE, NOW)
    workspace.token = "xoxb-another"
    with pytest.raises(Unknown, match=r"invalid_auth \(renew communication.slack.token"):
        found(clients, "incidents")


def test_slacks_members_and_messages_are_read_to_the_last_page(clients: Clients, workspace: slack.Slack) -> None:
    chat = clients.chats.place(slack.ROLLOUT).chat
    assert chat.absent(ROOM, PEOPLE) == ["Nobody"]
    for minute in range(5):
        workspace.say(slack.ROLLOUT, slack.ADA, f"a &lt; b &amp; {minute}", BEFORE + timedelta(minutes=minute))
    workspace.say(slack.ROLLOUT, slack.ADA, "much later", NOW + timedelta(minutes=1))
    said = chat.messages(ROOM, BEFORE, NOW)
    assert [one.text for one in said] == [f"a < b & {minute}" for minute in range(5)]
    assert {one.author for one in said} == {slack.ADA}


def test_a_bots_message_stands_in_attachments_or_blocks(clients: Clients, workspace: slack.Slack) -> None:
    workspace.announce(BEFORE)
    pieces = [{"type": "text", "text": "on call: ", "style": {"bold": True}}, {"type": "text", "text": "Ada"}]
    section = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": pieces}]}
    workspace.say(slack.ROLLOUT, slack.BOT, "", NOW, blocks=[section])
    attached, blocks = clients.chats.place(slack.ROLLOUT).chat.messages(ROOM, BEFORE, NOW)
    assert "monitoring: 9 of 9 lines pass" in attached.text
    assert blocks.text == "on call: Ada"


def test_what_a_person_shares_is_not_their_word(
    clients: Clients, workspace: slack.Slack, guild: discord.Discord
) -> None:
    shared = {"is_share": True, "author_id": "U9", "text": "GO for launch"}
    workspace.say(slack.ROLLOUT, slack.ADA, "I do not agree with this", BEFORE, attachments=[shared])
    (said,) = clients.chats.place(slack.ROLLOUT).chat.messages(ROOM, BEFORE, NOW)
    assert said.text == "I do not agree with this"
    guild.say(1, discord.MEMBER, "No", NOW.isoformat(), [{"title": "GO for launch"}])
    room = found(clients, "discord/operations")
    assert [one.text for one in clients.chats.place("discord/operations").chat.messages(room, BEFORE, NOW)] == ["No"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"ok": True, "messages": [], "is_limited": True}, "hides older messages"),
        ({"ok": True, "messages": [], "has_more": True}, "has more, and does not say where"),
        ({"ok": True, "messages": [], "response_metadata": {"next_cursor": "a"}}, "more than 50 pages"),
        ({"ok": True, "messages": [{"ts": "yesterday"}]}, "messages.0.ts"),
        ({"ok": True, "messages": [{"ts": 1e300}]}, "no time"),
        ({"ok": "true", "messages": []}, "no reason is given"),
        ({"messages": []}, "no reason is given"),
        ({"ok": True, "messages": [], "response_metadata": []}, None),
        ({"ok": True, "messages": [], "response_metadata": "a"}, "no object"),
    ],
)
def test_what_is_not_a_whole_history_is_unknown(make: Make, answer: dict[str, Any], why: str | None) -> None:
    with Server(document(answer)) as server:
        chat = make(server.url).chats.place(slack.ROLLOUT).chat
        if why is None:
            assert chat.messages(ROOM, BEFORE, NOW) == []
            return
        with pytest.raises(Unknown, match=why):
            chat.messages(ROOM, BEFORE, NOW)


def test_discord_knows_who_may_see_a_channel(clients: Clients, guild: discord.Discord) -> None:
    room = found(clients, "discord/operations")
    assert room.id == discord.OPERATIONS
    people = {
        "the owner": discord.OWNER,
        "one of the crew": discord.MEMBER,
        "a guest": discord.GUEST,
        "a stranger": discord.STRANGER,
    }
    chat = clients.chats.place("discord/operations").chat
    assert chat.absent(room, people) == ["a guest", "a stranger"]
    own = {"id": discord.GUEST, "type": 1, "allow": str(discord.SEES), "deny": "0"}
    guild.channels[1]["permission_overwrites"].append(own)
    assert chat.absent(found(clients, "discord/operations"), people) == ["a stranger"]


def test_discord_reads_back_until_the_beginning(clients: Clients, guild: discord.Discord) -> None:
    first = (int(BEFORE.timestamp() * 1000) - 1_420_070_400_000) << 22
    for number in range(PER_PAGE + 5):
        at = BEFORE + timedelta(seconds=number)
        guild.say(first + (number * 1000 << 22), discord.MEMBER, f"{number}", at.isoformat())
    chat, room = clients.chats.place("discord/operations").chat, found(clients, "discord/operations")
    assert [one.text.strip() for one in chat.messages(room, BEFORE, NOW)] == [str(one) for one in range(PER_PAGE + 5)]
    assert len(chat.messages(room, BEFORE + timedelta(seconds=100), NOW)) == 5


def test_discord_hides_what_was_said_without_the_intent(clients: Clients, guild: discord.Discord) -> None:
    chat, room = clients.chats.place("discord/operations").chat, found(clients, "discord/operations")
    assert chat.messages(room, BEFORE, NOW) == []
    guild.say(1, discord.MEMBER, "", NOW.isoformat())
    with pytest.raises(Unknown, match="message content intent"):
        chat.messages(room, BEFORE, NOW)
    fields = [{"name": "on call", "value": "Ada"}]
    embeds = [{"title": "launched", "fields": fields}]
    guild.say(2, discord.MEMBER, "", NOW.isoformat(), embeds, bot=True)
    assert chat.messages(room, BEFORE, NOW)[1].text.split() == ["launched", "on", "call", "Ada"]


def test_a_token_of_another_server_is_unknown(clients: Clients, guild: discord.Discord) -> None:
    guild.token = "another"
    with pytest.raises(Unknown, match="answered 401"):
        found(clients, "discord/operations")


def test_the_environment_says_where_a_channel_is(make: Make, sections: dict[str, Any]) -> None:
    names = {"incidents": "discord/operations", "slack/war": "C0WARROOM1", "customers": "customer-team"}
    chats = make(communication=sections | {"channels": names}).chats
    places = [chats.place(name) for name in ("incidents", "slack/war", "customers", "discord/x")]
    assert [type(one.chat).__name__ for one in places] == ["Discord", "Slack", "Slack", "Discord"]
    assert [one.name for one in places] == ["operations", "C0WARROOM1", "customer-team", "x"]


def test_a_chat_that_is_not_configured_says_so(make: Make, sections: dict[str, Any]) -> None:
    nowhere = make(systems=False).chats
    with pytest.raises(NotConfigured, match=r"the channel incidents is not configured \(set communication.slack"):
        nowhere.place("incidents")
    alone = make(systems=False, communication={"discord": sections["discord"]}).chats
    with pytest.raises(NotConfigured, match=r"set communication\.slack"):
        alone.place("slack/war")
    assert type(alone.place("incidents").chat).__name__ == "Discord"


def test_a_channel_elsewhere_needs_that_chat() -> None:
    slack_only = SlackSettings(token=Secret("xoxb-of-a-test"))
    with pytest.raises(ValueError, match=r"discord/ops needs communication\.discord"):
        Communication(slack=slack_only, channels={"incidents": "discord/ops"})
    with pytest.raises(NotConfigured):
        Chats(None, None).place("x")  # type: ignore[arg-type]  # no client is needed to say no
