"""A fake agent: a real program that follows a script. It imports nothing of Taxiway, so that it starts quickly."""
