"""Zoho CRM: records by list, query or bulk export; tags, notes, fields and contact roles written back."""
