"""What builds the image, reads compose.yaml and runs containers, for tests/test_image.py."""
