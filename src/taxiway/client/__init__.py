"""The client calls: handles on tasks, and the portal for programs without an event loop."""
