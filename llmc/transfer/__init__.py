"""How does what a file keeps leave it, and come into another? Exports, copies, logs."""
