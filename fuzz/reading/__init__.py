"""A second reading of a body, by Python itself, that shares nothing with the compiler's front end.

Every executor starts from the typed IR, so none of them notices a body that was read wrongly. Bodies are in
Python's syntax: here Python parses one and runs it. Precedence, chained comparisons, conditions, scopes and
calls of functions are Python's own; what the language has of its own is in the values that a body meets
(`values.py`, `arrays.py`) and in the functions that it calls (`functions.py`), written from
`docs/language.md`. Only the formats of stored elements are shared with the compiler.
"""
