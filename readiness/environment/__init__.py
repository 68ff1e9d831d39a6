"""The YAML of a target: where each system is, and how it is reached."""
