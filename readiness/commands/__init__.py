"""The verbs of the `readiness` command, one module each."""
