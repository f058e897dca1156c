"""The same calls for Luigi's scheduler and for ours, compared after each.

oracle       Luigi's scheduler on a clock of ours, changed by the listed differences and by nothing else
differences  the list: every difference on purpose, by name
anatomy      all that a scheduler knows about tasks and workers, in one form for both
twin         both side by side: takes a step, compares the replies, then the states
rules        what Hypothesis may do to a twin
cases        sequences that are replayed: one that shows each difference, and those that once failed
__main__     the soak: as many examples as you like
"""
