"""Core decides: frozen records, states and their moves, and pure rules.

Nothing in this room does I/O, reads a clock, draws a random number or knows asyncio. What a rule
needs is handed in, so that every decision can be replayed and tested by itself.
"""
