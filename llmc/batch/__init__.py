"""How are the questions of a file answered? Its lines, their order, threads and budget."""
