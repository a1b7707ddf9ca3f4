"""Observe measures: the engine speaks of a few moments, and whoever wants to know listens."""
