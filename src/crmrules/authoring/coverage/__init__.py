"""What the cases of a ruleset cover: what fired, where the boundaries lie, and which mutants they notice."""
