"""Load rehearsals, driven by Locust. Runs under gevent: of `readiness` only words and judgement are imported here."""
