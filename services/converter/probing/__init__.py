"""Finding out what an uploaded file is, in a confined process of its own."""
