"""The configuration: YAML checked by pydantic, every problem at once."""
