"""Stand-ins for vendors whose services nobody can run locally; their answers follow the published descriptions."""
