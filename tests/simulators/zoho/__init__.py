"""A strict simulator of Zoho CRM v8; see README.md."""

from .canonical import Loaded, load_canonical
from .simulator import ALL_SCOPES, ZohoSimulator

__all__ = ["ALL_SCOPES", "Loaded", "ZohoSimulator", "load_canonical"]
