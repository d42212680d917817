"""Medicines, schedules, doses and their reminders."""
