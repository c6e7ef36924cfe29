"""A ruleset as a document for who answers for it: HTML and Markdown, in Chinese and English."""
