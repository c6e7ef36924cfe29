"""One command, one file: its options, what it calls, and what it says."""
