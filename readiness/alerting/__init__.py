"""Reads alert rules: what a PromQL expression compares, for how long, and whether it would fire."""
