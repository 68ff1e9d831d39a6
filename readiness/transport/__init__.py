"""What clients share: one deadline, one guard, one record of every request, bytes to a typed value."""
