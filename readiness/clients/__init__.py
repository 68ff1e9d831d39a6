"""One outside system a file: bytes to a typed value, or `Unknown`."""
