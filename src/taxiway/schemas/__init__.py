"""Judges results by JSON Schemas, in a program of its own that can be ended."""
