"""The passage for secrets and hostile text: no known secret value leaves in any encoding."""
