from core.plan.gates import Skip
from core.plan.holds import Held

ONE, TWO = Skip("one"), Skip("two")


def test_narrowest_is_held():
    held = Held()
    held.add(1, None, None, ONE)
    held.add(1, 10, None, ONE)
    held.add(1, 10, 100, TWO)
    assert (held.customers, held.moves, held.items) == ({1: ONE}, {10: ONE}, {100: TWO})


def test_first_reason_stays():
    held = Held()
    held.add(1, 10, None, ONE)
    held.add(1, 10, None, TWO)
    assert held.moves == {10: ONE}


def test_what_holds_longest_counts():
    """Else the customer would be chased when the shorter of two holds ends."""
    short, long, endless = (
        Skip("a", {"date": "2026-12-01"}),
        Skip("b", {"date": "2026-12-09"}),
        Skip("c"),
    )
    for order in (
        (short, long, endless),
        (endless, long, short),
        (long, endless, short),
    ):
        held = Held()
        for number, stop in enumerate(order):
            held.add(1, None, None, stop)
            held.add(1, 10, 100 if number else None, stop)
        assert held.customers[1] is endless
        assert held.get_item(10, 100) is endless
    held = Held()
    held.add(1, None, None, long)
    held.add(1, None, None, short)
    assert held.customers[1] is long


def test_item_by_itself_or_with_its_invoice():
    held = Held()
    held.add(1, 10, None, ONE)
    held.add(1, 20, 200, TWO)
    assert held.get_item(10, 100) is ONE
    assert held.get_item(20, 200) is TWO
    assert held.get_item(20, 201) is None, "the other instalment of the invoice goes on"
    assert held.get_item(30, 300) is None
    held.add(1, 20, None, ONE)
    assert held.get_item(20, 200) is TWO
