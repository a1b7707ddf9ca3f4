"""The guardian: small single-threaded processes that own process trees and end them.

A warm fork server (``server``) forks one guardian (``guard``) per run; the guardian forks the program (``child``) and
alone ends its tree (``tree``). What dead guardians left behind is found by the tag in the environment (``sweep``).
These files run in an interpreter of their own without the rest of Taxiway (``python -I -S``), so they import the
standard library and each other only.
"""
