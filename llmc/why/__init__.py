"""Why is a question answered from the cache, or why not? What `llmc why` works out."""
