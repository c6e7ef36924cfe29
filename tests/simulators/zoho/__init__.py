"""A strict simulator of Zoho CRM v8; see README.md."""

from .simulator import ALL_SCOPES, ZohoSimulator

__all__ = ["ALL_SCOPES", "ZohoSimulator"]
