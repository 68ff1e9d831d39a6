"""What a run leaves and what holds: its journal, the ledger, signatures, and how they are judged again."""
