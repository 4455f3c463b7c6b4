"""What wires the three floors together."""

VERSION = "0.1.0"
