"""The types that plugins and core exchange. A guest needs this, the model, the errors, http."""
