"""Files as a CRM: a folder of CSV or JSON Lines files, or one XLSX workbook, one file or sheet per object."""
