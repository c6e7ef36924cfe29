"""Cases out of real records: what the outcomes read, with nobody recognisable in it."""
