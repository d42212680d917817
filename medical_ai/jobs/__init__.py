"""Transactional outbox: work enqueued in the caller's transaction and run at least once."""
