"""Backups that prove themselves: made, kept, restored, and restored again every week as a proof."""
