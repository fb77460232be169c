// Not compiled on Linux.
