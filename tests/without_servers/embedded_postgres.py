"""Stands before the real package while `make check` runs, and has no programs beside it: no database starts there.

A test that fails because of that starts a sandbox or a database, and is to ask for the fixture `starts_servers`.
"""
