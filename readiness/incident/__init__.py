"""The first thirty minutes of an incident: a runbook's walk as data, the facts that it wants, and what they come to.

Pure: whoever has the facts, asked for just now or read from a run's record, is told the same.
"""
