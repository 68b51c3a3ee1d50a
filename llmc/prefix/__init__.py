"""What keeps a provider's own cache from reading prompts? What `llmc prefix` works out."""
