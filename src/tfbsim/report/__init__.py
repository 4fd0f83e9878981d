"""Pages that open anywhere, and what a console prints."""
