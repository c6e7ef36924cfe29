"""crmrules: classify customers and infer buying roles inside the CRM you already have."""

__version__ = "0.1.0"
