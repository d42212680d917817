"""Pages that join domains, the layout, and error pages."""
