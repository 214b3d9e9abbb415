"""Drop-ins for what other projects used before: the same names, the same folders."""
