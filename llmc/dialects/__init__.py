"""How do programs talk to a model? One module for each dialect of the OpenAI protocol."""
