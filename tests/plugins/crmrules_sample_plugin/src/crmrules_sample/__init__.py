"""A guest in crmrules' house."""
