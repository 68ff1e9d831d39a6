"""Service levels: good and bad events over a window of time."""
