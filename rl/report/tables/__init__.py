"""Tables for pages and terminals."""
