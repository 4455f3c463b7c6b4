"""What the next release might bring: a migration of the table in which choices are being recorded."""
