"""What the end-to-end tests share: a client, clips, and ways to start the product."""
