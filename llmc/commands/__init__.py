"""One module a command; its function `command` opens, does, prints and returns."""
