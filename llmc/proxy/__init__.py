"""How do programs that speak the OpenAI protocol reach the cache? A proxy on this machine."""
