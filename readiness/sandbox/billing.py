"""Plans and what they give: one account that has used up its own, and one that has none."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass
class SandboxBilling:
    """What stops an account; what a fault turns is a plain attribute."""

    spent: str = field(default_factory=lambda: f"acc_{secrets.token_hex(16)}")
    """The token of the account at its hard limit."""
    unpaid: str = field(default_factory=lambda: f"acc_{secrets.token_hex(16)}")
    """The token of the account without a plan."""
    hard_limits: bool = True
    locked: bool = False
    """Nobody of either account gets in."""

    def routes(self) -> list[Route]:
        """Return what the service serves of it."""
        return [Route("/v1/exports", self._exports), Route("/v1/reports/benchmark", self._benchmark)]

    def variables(self) -> dict[str, str]:
        """Return what the environment's file needs."""
        return {"SANDBOX_SPENT_TOKEN": self.spent, "SANDBOX_UNPAID_TOKEN": self.unpaid}

    async def _exports(self, request: Request) -> Response:
        return self._answer(request, refuses=self.hard_limits, why="hard_limit_reached")

    async def _benchmark(self, request: Request) -> Response:
        return self._answer(request, refuses=True, why="plan_required")

    def _answer(self, request: Request, *, refuses: bool, why: str) -> Response:
        tokens = {f"Bearer {self.spent}", f"Bearer {self.unpaid}"}
        is_known = request.headers.get("authorization") in tokens
        if self.locked or not is_known:
            return JSONResponse({"error": "unauthorized"}, 401)
        if refuses:
            return JSONResponse({"error": why}, 402)
        return JSONResponse({"rows": []})
