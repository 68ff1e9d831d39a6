"""The pytest plugin: one module per concern."""

pytest_plugins = (
    "readiness.plugin.options",
    "readiness.plugin.lines",
    "readiness.plugin.observing",
    "readiness.plugin.judging",
    "readiness.plugin.deciding",
    "readiness.plugin.recording",
    "readiness.plugin.reporting",
    "readiness.plugin.redacting",
    "readiness.plugin.planning",
    "readiness.plugin.progress",
    "readiness.plugin.telling",
    "readiness.plugin.workers",
    "readiness.plugin.finishing",
)
