"""The seeded simulator: whole systems of runners and doors on one store, in virtual time, with faults and checkers.

    report = run_schedule(seed, open_database)

``open_database`` hands in the store under test (`world.Database`); everything else is real engine code over scripted
agents. The same seed gives the same schedule, bit by bit. See `schedule` for the phases, `faults` for what goes wrong,
`history` and `ledger` for what must hold.
"""
