"""The world outside: one program or protocol to a file."""
