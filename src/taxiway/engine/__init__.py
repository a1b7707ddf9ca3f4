"""The engine moves: services that carry work between the store and the programs.

Read ``intake``, ``dispatcher``, ``executor``, ``feed`` in this order, and you have read the system.
"""
