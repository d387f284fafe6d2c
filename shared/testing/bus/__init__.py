"""One suite that all buses pass, and the parts it is made of."""
