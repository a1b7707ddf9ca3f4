"""Places to work in: made by git, looked at when the work is done, and never thrown away unseen."""
