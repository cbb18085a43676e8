"""What must not be chased at present, as planning and sending ask for it."""

from dataclasses import dataclass, field

from .gates import Skip


@dataclass
class Held:
    """Reasons by what they cover: the whole customer, an invoice, or a journal item of
    it. Of several the one that holds longest counts."""

    customers: dict[int, Skip] = field(default_factory=dict)
    moves: dict[int, Skip] = field(default_factory=dict)
    items: dict[int, Skip] = field(default_factory=dict)

    def add(
        self, partner_id: int, move_id: int | None, item_id: int | None, skip: Skip
    ) -> None:
        """``item_id`` outranks ``move_id``, which outranks ``partner_id``: only the
        narrowest of them is held."""
        if item_id:
            self.items[item_id] = get_longer(self.items.get(item_id), skip)
        elif move_id:
            self.moves[move_id] = get_longer(self.moves.get(move_id), skip)
        else:
            self.customers[partner_id] = get_longer(
                self.customers.get(partner_id), skip
            )

    def get_item(self, move_id: int, item_id: int) -> Skip | None:
        """Why a journal item is held by itself or with its invoice; None when neither
        is."""
        return get_longer(self.items.get(item_id), self.moves.get(move_id))


def get_longer(first: Skip | None, second: Skip | None) -> Skip | None:
    """The reason that holds longer: one without a last day (``date``, ISO) ends by no
    date; the first of equals."""
    if first is None or second is None:
        return first or second
    ends = [stop.params.get("date") or "9999" for stop in (first, second)]
    return first if ends[0] >= ends[1] else second
