"""The command line `anju`: one sub-command per role, each loaded only when it is called.

The outermost layer: it may import every package, and nothing imports it.
"""
