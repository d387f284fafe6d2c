"""The fault matrix: breaks a running product in every way we know, and checks what is left."""
