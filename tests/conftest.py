"""For all tests: a law holds however slow the machine is."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("crmrules", deadline=None)
settings.load_profile("crmrules")
