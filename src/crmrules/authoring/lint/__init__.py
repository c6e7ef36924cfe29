"""``ruleset lint``: what is wrong with a ruleset that loads, by reasoning on it and by looking at real records."""
