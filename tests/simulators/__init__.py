"""Real HTTP servers on loopback that behave like the CRMs we connect to, and refuse what they refuse.

The generic parts stand here (`server`, `faults`, `clock`, `counters`); each CRM has a folder of its own.
They are written from the vendors' documents alone and never import a connector.
"""
