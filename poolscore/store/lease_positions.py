"""Where in a ranking a process need not look for free rows any more."""

Focus = frozenset[int]
"""Indices of the classes that an item must be predicted to be one of; empty: any."""


class LeasePosition:
    """First row that may be free, remembered between leases of one process.

    Rows only become free when the pool's `freed` count grows, so what one lease saw stays a lower
    bound for the next as long as the count is the same.
    """

    def __init__(self) -> None:
        """Know nothing."""
        self._seen = (-1, 0)

    def get(self, freed: int) -> int:
        """Row to start from."""
        seen, row = self._seen
        return row if seen == freed else 0

    def set(self, freed: int, row: int) -> None:
        """Remember that every row before `row` is taken."""
        self._seen = (freed, row)  # one assignment: threads see an old or a new pair, both true


class LeasePositions:
    """The positions of leases with and without a focus.

    A lease with a focus says nothing of rows of other classes, so each focus has a position of its
    own; what leases without one have seen holds for all.
    """

    _MOST = 256

    def __init__(self) -> None:
        """Know nothing."""
        self._all, self._of = LeasePosition(), dict[Focus, LeasePosition]()

    def get(self, freed: int, focus: Focus) -> int:
        """Row to start from."""
        start, own = self._all.get(freed), self._of.get(focus) if focus else None
        return start if own is None else max(start, own.get(freed))

    def set(self, freed: int, row: int, focus: Focus) -> None:
        """Remember that every row before `row` that the focus lets through is taken."""
        if not focus:
            self._all.set(freed, row)
            return
        if len(self._of) >= self._MOST:
            self._of = {}  # callers choose the focus: what they could fill without end is forgotten
        self._of.setdefault(focus, LeasePosition()).set(freed, row)
