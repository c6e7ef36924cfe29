"""Tools for who writes rulesets: what a change would move, what a rule misses, what a director reads."""
