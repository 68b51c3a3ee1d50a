"""How does a text become a vector on this machine? The local model and its files."""
