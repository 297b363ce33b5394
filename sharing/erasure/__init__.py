"""Erasing an athlete: asked for, what was shared taken back, then nothing of them readable."""
