"""What things are: plain values; no disk, no network."""
