"""Where things are kept: the only code that knows the folders of a registry."""
