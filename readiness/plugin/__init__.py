"""The pytest plugin: one module per concern."""

pytest_plugins = (
    "readiness.plugin.options",
    "readiness.plugin.lines",
    "readiness.plugin.observing",
    "readiness.plugin.judging",
    "readiness.plugin.deciding",
    "readiness.plugin.sealing",
    "readiness.plugin.recording",
    "readiness.plugin.history_writer",
    "readiness.plugin.sign_off",
    "readiness.plugin.notifying",
    "readiness.plugin.reporting",
    "readiness.plugin.redacting",
    "readiness.plugin.planning",
    "readiness.plugin.progress",
    "readiness.plugin.telling",
    "readiness.plugin.workers",
)
