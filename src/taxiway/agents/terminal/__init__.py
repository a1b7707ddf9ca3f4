"""A terminal without a window: what programs write on it becomes lines of text, and what they ask it is answered.

Pure: bytes go in, text and answers come out. Everything that comes in is hostile, so every buffer has a bound, no step
costs more than the screen is large, and no answer repeats what was said. Source: ECMA-48, and xterm where it is silent.
"""
