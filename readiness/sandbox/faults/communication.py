"""What goes wrong where people are told: channels, announcements, status pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning
from readiness.sandbox.faults.release import OF_THIS_REVISION, OTHERS_OF_THIS_REVISION
from readiness.sandbox.vendors.slack import GRACE, ROLLOUT
from readiness.sandbox.vendors.slack import WAR_ROOM as ROOM
from readiness.sandbox.vendors.status_pages import OWN

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

EXISTS = "communication.channel_exists[{}]"
HERE = EXISTS.format("rollout-channel")
INCIDENTS, CUSTOMERS, EXECUTIVES = (
    EXISTS.format(f"agency/incident-channels:{name}") for name in ("incidents", "customer-team", "executives")
)
WAR_ROOM = EXISTS.format("launch400k/channels:slack/launch-war-room")
OPERATIONS = EXISTS.format("launch400k/channels:discord/operations")
MEMBERS = "communication.stakeholders_in_channel[stakeholders-in-channel]"
ANNOUNCED = "communication.launch_announced[launch-announced]"
ANNOUNCED_400K = "communication.launch_announced[launch400k/announcement-live]"
CURRENT = "communication.status_page_current[{}]"
NOTICE = CURRENT.format("status-page-updated")
SET_UP, HEALTH = CURRENT.format("agency/incident-channels"), CURRENT.format("playbook/status-page")
UPDATES = "communication.incident_updates_timely[playbook/status-updates]"


@fault("preflight", turns={HERE: "fail", MEMBERS: "unknown"})
def rollout_channel_missing(target: SandboxTarget) -> Iterator[None]:
    """Nobody has made the channel of the launch."""
    slack = target.channels.slack
    room = slack.rooms.pop(ROLLOUT)
    yield
    slack.rooms[ROLLOUT] = room


@fault("preflight", turns=turning("fail", HERE, INCIDENTS))
def channels_archived(target: SandboxTarget) -> Iterator[None]:
    """The channels are still found, and nobody can write into them any more."""
    rooms = [target.channels.slack.rooms[name] for name in (ROLLOUT, "C0INCIDENT")]
    for room in rooms:
        room.archived = True
    yield
    for room in rooms:
        room.archived = False


@fault("preflight", turns=turning("fail", CUSTOMERS, EXECUTIVES, WAR_ROOM, OPERATIONS))
def channels_never_made(target: SandboxTarget) -> Iterator[None]:
    """The channels of the others are missing; on Discord a voice channel has the name."""
    slack, discord = target.channels.slack, target.channels.discord
    rooms, channels = dict(slack.rooms), discord.channels
    for name in ("C0CUSTOMER", "C0EXECUTIV", "C0WARROOM1"):
        del slack.rooms[name]
    discord.channels = [{**channel, "type": 2} for channel in channels]
    yield
    slack.rooms, discord.channels = rooms, channels


@fault("preflight", turns={MEMBERS: "fail"})
def stakeholder_left(target: SandboxTarget) -> Iterator[None]:
    """One of the stakeholders, on the second page of the members, is not in the channel."""
    room = target.channels.slack.rooms[ROLLOUT]
    before, room.members = room.members, [member for member in room.members if member != GRACE]
    yield
    room.members = before


@fault("smoke", turns={ANNOUNCED: "fail"})
def announcement_without_on_call(target: SandboxTarget) -> Iterator[None]:
    """The announcement does not say who is on call."""
    attachment = target.channels.slack.rooms[ROLLOUT].said[0]["attachments"][0]
    before = attachment["text"]
    attachment["text"] = before.partition("on call:")[0] + "on call: unknown, set notify.on_call"
    yield
    attachment["text"] = before


@fault("smoke", turns={ANNOUNCED: "fail"})
def launch_never_announced(target: SandboxTarget) -> Iterator[None]:
    """The channel talks of the launch, and nobody has announced it."""
    room = target.channels.slack.rooms[ROLLOUT]
    before = list(room.said)
    room.said.pop(0)
    yield
    room.said = before


@fault(
    "preflight",
    turns=turning("unknown", HERE, INCIDENTS, CUSTOMERS, EXECUTIVES, WAR_ROOM, OPERATIONS, MEMBERS),
)
def chat_bots_thrown_out(target: SandboxTarget) -> Iterator[None]:
    """The tokens of both bots were revoked; Slack says so with status 200."""
    slack, discord = target.channels.slack, target.channels.discord
    before = slack.token, discord.token
    slack.token = discord.token = "a-token-of-another-bot"  # noqa: S105  it opens nothing
    yield
    slack.token, discord.token = before


@fault("smoke", turns={ANNOUNCED_400K: "fail"})
def war_room_not_told(target: SandboxTarget) -> Iterator[None]:
    """The launch is announced in one channel, and nobody told the other."""
    room = target.channels.slack.rooms[ROOM]
    before, room.said = room.said, []
    yield
    room.said = before


@fault("smoke", turns=turning("unknown", ANNOUNCED, ANNOUNCED_400K))
def chat_history_hidden(target: SandboxTarget) -> Iterator[None]:
    """The bot may see the channel, and not what is said in it."""
    slack = target.channels.slack
    slack.scopes.remove("channels:history")
    yield
    slack.scopes.add("channels:history")


@fault("preflight", turns=turning("unknown", HERE, MEMBERS, INCIDENTS, CUSTOMERS, EXECUTIVES, WAR_ROOM))
def slack_answers_html(target: SandboxTarget) -> Iterator[None]:
    """Slack answers a page for people with status 200."""
    target.channels.slack.html = True
    yield
    target.channels.slack.html = False


@fault("preflight", turns={NOTICE: "fail"})
def status_page_without_launch(target: SandboxTarget) -> Iterator[None]:
    """The status page does not say that anything is going to happen."""
    site = target.channels.pages.sites[OWN]
    before, site.maintenances = site.maintenances, []
    yield
    site.maintenances = before


@fault("preflight", turns={NOTICE: "fail"})
def status_page_with_the_old_date(target: SandboxTarget) -> Iterator[None]:
    """The launch was put off by a day, and the status page still tells the day before."""
    (notice,) = target.channels.pages.sites[OWN].maintenances
    before = dict(notice)
    for key in ("scheduled_for", "scheduled_until"):
        notice[key] = (datetime.fromisoformat(notice[key]) - timedelta(days=1)).isoformat()
    yield
    notice |= before


LIVE = tuple(
    f"health.live[{line}]"
    for line in (
        *("health-200", "agency/uptime", "playbook/api-health"),
        *("umbrella/health", "umbrella/rollback-trigger"),
        *("launch400k/all-healthy", "launch400k/go-health"),
    )
)


@fault(
    *("preflight", "postlaunch"),
    turns=turning("fail", SET_UP, HEALTH, *LIVE) | turning("unknown", *OF_THIS_REVISION, *OTHERS_OF_THIS_REVISION),
)
def status_page_hides_an_outage(target: SandboxTarget) -> Iterator[None]:
    """The service is down, and its status page says that all is well."""
    target.service.health_status = 503
    yield
    target.service.health_status = 200


@fault("postlaunch", turns={UPDATES: "fail"})
def incident_without_update(target: SandboxTarget) -> Iterator[None]:
    """An incident is open, and the last that was said of it is 61 minutes old."""
    site = target.channels.pages.sites[OWN]
    site.incident("Uploads are delayed", 95.0, 61.0)
    yield
    site.incidents.clear()


@fault("preflight", turns=turning("unknown", NOTICE, SET_UP))
def status_page_moved(target: SandboxTarget) -> Iterator[None]:
    """At the address of the status page there is a page for people, whatever is asked for."""
    target.channels.pages.html.add(OWN)
    yield
    target.channels.pages.html.clear()


@fault("postlaunch", turns=turning("unknown", HEALTH, UPDATES))
def status_page_away(target: SandboxTarget) -> Iterator[None]:
    """The status page itself is down."""
    target.channels.pages.away.add(OWN)
    yield
    target.channels.pages.away.clear()
