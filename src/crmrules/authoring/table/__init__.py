"""Rules of a class as a decision table in CSV, XLSX or YAML, and back, with nothing lost."""
