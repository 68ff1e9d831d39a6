"""A load test of one stage: its plan, its evidence and its verdict."""
