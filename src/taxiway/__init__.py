"""Taxiway: a durable scheduler and control plane for AI agent runs."""

__version__ = "0.1.0"
