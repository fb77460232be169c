"""The MLX extension as a Mac builds it, compiled and linked here against MLX's wheels for macOS.

`python -m backends.metal.mac_host` fetches the wheels that `requirements/mac` locks, compiles the extension
for arm64 with the flags of a Mac build and every warning an error, and links it against the real libmlx: a
symbol that neither MLX nor macOS has is an error. Nothing that comes out of it is meant to run: it links
zig's libc++ and stubs of Apple's libraries.
"""
