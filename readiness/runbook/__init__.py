"""A launch checklist as data: its lines, waivers, attestations and sign-off."""
