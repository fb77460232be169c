"""The exact mode: floats are elements of a ring, and every executor must agree bit for bit."""
