"""The evidence of a run: its journal, and what is rendered from it."""
