"""One way of writing a ruleset's YAML, so that a difference between two versions is a difference in rules."""
