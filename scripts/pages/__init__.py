"""Writes the generated parts of the pages: tables and drawings of what the code itself knows."""
