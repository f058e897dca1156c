"""The actors that ship, on a virtual clock, with a faulty network, disk and processes."""
