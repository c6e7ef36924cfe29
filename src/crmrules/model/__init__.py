"""Plain data that every other floor speaks: objects, texts, changes. No behaviour, no I/O."""
