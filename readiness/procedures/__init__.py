"""Drills: procedures that are rehearsed for real. One module each; `course` leads them, and puts everything back."""
