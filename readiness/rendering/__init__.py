"""What is rendered from the evidence: pages, exports, announcements."""
