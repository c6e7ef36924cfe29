"""The exporters that we ship: files of three kinds and a web endpoint."""
