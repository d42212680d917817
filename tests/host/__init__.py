"""The production bundle on hosts that are booted for it."""
