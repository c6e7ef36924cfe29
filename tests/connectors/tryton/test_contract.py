"""The connector keeps the contract of all connectors, against a real Tryton server."""

from crmrules.testing.suite.contract import *  # noqa: F403
