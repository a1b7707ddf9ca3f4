"""Drives programs: one protocol (open a conversation, send, events, close) and its adapters. Never touches a store."""
