"""HTTP: every verb as a resource, for whoever shows a token. It answers at once and never works itself."""
