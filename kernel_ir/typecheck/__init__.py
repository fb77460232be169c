"""From the Python syntax of a body to the typed IR.

`scope` holds what names mean, `rules` how ops are typed, `expressions` and `statements` walk the
syntax tree, `check` puts a kernel together.
"""
