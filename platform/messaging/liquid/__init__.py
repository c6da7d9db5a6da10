"""Texts that a brokerage writes itself, in Liquid, rendered where they can do no harm.

`renderer` runs child processes and is what the rest of the product calls; `child` is their
program, `engine` the language they speak, `filters` and `markup` what it may say, and
`variables` the values that each event offers.
"""
