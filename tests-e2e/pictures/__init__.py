"""The pictures of the console that the documents show, taken from a real product at work."""
