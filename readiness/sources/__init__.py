"""What an observation asks for a fact, whichever system holds it: readings, service levels, chat, tickets."""
