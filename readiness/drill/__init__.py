"""A drill's evidence and its verdict."""
