"""What is broken on purpose, with visitors on it: ``python -m tests.drills`` (see docs/drills.md)."""
