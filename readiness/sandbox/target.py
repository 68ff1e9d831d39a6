"""The target as a whole: its parts, put together, launched and stopped."""

from __future__ import annotations

import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from readiness.sandbox import channels, dumps, monitoring, office, postgres, watchers
from readiness.sandbox.attested import Attested
from readiness.sandbox.breakers import Breakers
from readiness.sandbox.channels import Channels
from readiness.sandbox.configuration import Configuration, of_the_documents
from readiness.sandbox.database import Database, Prepared, prepare
from readiness.sandbox.front import Front
from readiness.sandbox.log import Log
from readiness.sandbox.monitoring import Monitoring
from readiness.sandbox.office import Office
from readiness.sandbox.operations import Operations
from readiness.sandbox.papers import Papers
from readiness.sandbox.service import REVISION, Service
from readiness.sandbox.storage import ObjectStore
from readiness.sandbox.telemetry import Telemetry
from readiness.sandbox.vendors.supabase import Management
from readiness.sandbox.watchers import Watchers
from readiness.sandbox.web import Web
from readiness.sandbox.workers import WORKERS, Plant, Worker

INTERNAL = "ws_internal"
UNTIL_LAUNCH = timedelta(minutes=50)
SINCE_LAUNCH = timedelta(minutes=6)


@dataclass
class SandboxTarget:
    """Everything that a fault can break."""

    server: postgres.Server
    admin: Database
    """The superuser's connections."""
    probe_dsn: str
    replica: postgres.Server | None
    configuration: Configuration
    store: ObjectStore
    storage_web: Web
    management: Management
    management_web: Web
    service: Service
    service_web: Web
    workers: dict[str, Worker]
    front: Front
    front_web: Web
    operations: Operations
    operations_web: Web
    backups: dumps.DumpFolder
    monitoring: Monitoring
    watchers: Watchers
    papers: Papers
    channels: Channels
    office: Office
    api_token: str
    attested: Attested
    launch_at: datetime

    def begin(self) -> None:
        """Let the workers work and the front have traffic."""
        for worker in self.workers.values():
            worker.beat()
            worker.start()
        self.front.start()
        self.service.plant.log.write("service.started", workers=len(self.workers))

    def launch(self) -> None:
        """Switch ingestion on; the launch was a few minutes ago."""
        self.configuration.change(INGESTION_ENABLED="true")
        self._launched_at(datetime.now(UTC) - SINCE_LAUNCH)
        self.channels.launch(self.launch_at)
        self.service.plant.log.write("state_change", switch="INGESTION_ENABLED", to_state="true")

    def age(self, days: int) -> None:
        """Let so many days pass since the launch: it, and what was said about it, was that much longer ago."""
        passed = timedelta(days=days)
        self._launched_at(self.launch_at - passed)
        self.channels.age(self.launch_at, passed)

    def _launched_at(self, moment: datetime) -> None:
        self.launch_at = moment
        self.office.record["launch_time"] = moment.isoformat()
        self.office.write()

    def variables(self) -> dict[str, str]:
        """Return what an environment file needs to know."""
        return {
            "SANDBOX_URL": self.service_web.url,
            "SANDBOX_DATABASE_URL": self.probe_dsn,
            "SANDBOX_REPLICA_DATABASE_URL": self._replica_dsn(),
            "SANDBOX_API_TOKEN": self.api_token,
            "SANDBOX_STORAGE_URL": f"{self.storage_web.url}/storage/v1",
            "SANDBOX_STORAGE_KEY": self.store.key,
            "SANDBOX_SUPABASE_URL": self.management_web.url,
            "SANDBOX_SUPABASE_TOKEN": self.management.token,
            "SANDBOX_FRONT_URL": self.front_web.url,
            "SANDBOX_OPERATIONS_URL": self.operations_web.url,
            "SANDBOX_OPERATIONS_TOKEN": self.operations.token,
            "SANDBOX_BACKUPS": str(self.backups.folder),
            "SANDBOX_SCRATCH_DATABASE_URL": self.server.dsn(),
            "SANDBOX_CONFIGURATION": str(self.configuration.path),
            "SANDBOX_ATTESTATIONS": str(self.attested.path),
            "SANDBOX_LOG": str(self.service.plant.log.path),
            "SANDBOX_LAUNCH_AT": self.launch_at.isoformat(),
            **self.monitoring.variables(),
            **self.service.billing.variables(),
            **self.watchers.variables(),
            **self.papers.variables(),
            **self.channels.variables(),
            **self.office.variables(),
        }

    def _replica_dsn(self) -> str:
        """Return the probe's address at the replica; where there is none, one that refuses."""
        port = self.replica.port if self.replica else 1
        return self.probe_dsn.replace(f":{self.server.port}/", f":{port}/")

    def stop(self) -> None:
        """Stop everything and leave nothing."""
        for worker in self.workers.values():
            worker.end()
        self.monitoring.stop()
        webs = [self.service_web, self.management_web, self.storage_web, self.front_web, self.operations_web]
        webs += [self.papers.web, self.channels.web, *self.watchers.webs.values(), *self.office.webs.values()]
        for web in webs:
            web.leave()
        for web in webs:
            web.stop()
        if self.replica:
            self.replica.stop()
        self.server.stop()


@dataclass(frozen=True)
class _Watched:
    """The front, and what is starting to watch it."""

    front: Front
    web: Web
    monitoring: Future[Monitoring]


def build(folder: Path, *, replica: bool = False, papers: Path | None = None) -> SandboxTarget:
    """Start every part; what watches the target starts beside its database. Raises postgres.PostgresFailed.

    `papers` is the folder of what people attest and approve, where it outlives the sandbox.
    """
    written = papers or folder / "written"
    written.mkdir(parents=True, exist_ok=True)
    front = Front()
    front_web = Web(front.application())
    with ThreadPoolExecutor(2) as beside, ExitStack() as undo:
        watching = beside.submit(monitoring.start, folder / "monitoring", front, {"front": _place(front_web)})
        undo.callback(lambda: watching.result().stop())
        server = postgres.start(folder / "postgres")
        undo.callback(server.stop)
        prepared = prepare(server)
        # Not earlier: a replica that is made while others write may wait a quarter of a minute for their end.
        following = beside.submit(postgres.follow, server, folder / "replica") if replica else None
        if following:
            undo.callback(lambda: following.result().stop())
        target = _build_on(server, prepared, folder, written, _Watched(front, front_web, watching))
        target.replica = following.result() if following else None
        target.begin()
        target.monitoring.evaluated()
        undo.pop_all()
    return target


def _place(web: Web) -> str:
    return web.url.removeprefix("http://")


def _build_on(
    server: postgres.Server, prepared: Prepared, folder: Path, written: Path, watched: _Watched
) -> SandboxTarget:
    admin, database, probe_dsn = prepared
    store = ObjectStore(folder / "objects")
    storage_web = Web(store.application())
    plant = _plant(folder, database, store, storage_web)
    workers = [kind(plant) for kind in WORKERS]
    api_token = f"upl_{secrets.token_urlsafe(24)}"
    service = Service(plant, workers, {api_token: INTERNAL})
    management = Management(admin)
    launch_at = datetime.now(UTC) + UNTIL_LAUNCH
    operations = Operations(service, watched.front, storage_web)
    return SandboxTarget(
        server=server,
        admin=admin,
        probe_dsn=probe_dsn,
        replica=None,
        configuration=plant.configuration,
        store=store,
        storage_web=storage_web,
        management=management,
        management_web=Web(management.application()),
        service=service,
        service_web=Web(service.application()),
        workers={worker.name: worker for worker in workers},
        front=watched.front,
        front_web=watched.web,
        operations=operations,
        operations_web=Web(operations.application()),
        backups=dumps.make(server, folder / "backups"),
        monitoring=watched.monitoring.result(),
        watchers=watchers.start(watched.monitoring.result().prometheus_url, admin),
        papers=Papers(folder / "papers", written / "sign-off.yaml"),
        office=office.start(folder / "office", launch_at, REVISION),
        api_token=api_token,
        channels=channels.start(launch_at),
        attested=Attested(written / "attestations.yaml"),
        launch_at=launch_at,
    )


def _plant(folder: Path, database: Database, store: ObjectStore, storage_web: Web) -> Plant:
    log = Log(folder / "service.jsonl")
    return Plant(
        database=database,
        configuration=Configuration(folder / "service.env", _variables(database, store, storage_web)),
        breakers=Breakers(database, log),
        telemetry=Telemetry(database),
        log=log,
        store=store,
        http=httpx.Client(timeout=3, trust_env=False),
    )


def _variables(database: Database, store: ObjectStore, storage: Web) -> dict[str, str]:
    return {
        "INGESTION_ENABLED": "false",
        "ENVIRONMENT": "sandbox",
        "DATABASE_URL": database.dsn,
        "STORAGE_URL": f"{storage.url}/storage/v1",
        "STORAGE_KEY": store.key,
        **of_the_documents(),
        "API_SIGNING_SECRET": secrets.token_urlsafe(32),
        "SSO_CLIENT_SECRET": secrets.token_urlsafe(24),
        "WEBHOOK_SECRET": f"whsec_{secrets.token_urlsafe(24)}",
    }
