"""The programs beside Python that the suite runs: which there are, where each is found, and how it is brought.

A tool is looked for on the PATH, then in `bin` of the cache, where `fetch` puts what it brings: `readiness tools`.
This room stands on the lowest floor and knows nothing of runbooks or sandboxes.
"""

from readiness.tools.catalogue import BY_NAME, TOOLS, Tool
from readiness.tools.places import find, version

__all__ = ["BY_NAME", "TOOLS", "Tool", "find", "version"]
