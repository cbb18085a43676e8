"""What must not be chased at present, as planning and sending ask for it."""

from dataclasses import dataclass, field

from .gates import Skip


@dataclass
class Held:
    """Reasons by what they cover: the whole customer, an invoice, or a journal item of it. The first reason of each stays."""

    customers: dict[int, Skip] = field(default_factory=dict)
    moves: dict[int, Skip] = field(default_factory=dict)
    items: dict[int, Skip] = field(default_factory=dict)

    def add(self, partner_id: int, move_id: int | None, item_id: int | None, skip: Skip) -> None:
        """``item_id`` outranks ``move_id``, which outranks ``partner_id``: only the narrowest of them is held."""
        if item_id:
            self.items.setdefault(item_id, skip)
        elif move_id:
            self.moves.setdefault(move_id, skip)
        else:
            self.customers.setdefault(partner_id, skip)

    def get_item(self, move_id: int, item_id: int) -> Skip | None:
        """Why a journal item is held by itself or with its invoice; None when neither is."""
        return self.items.get(item_id) or self.moves.get(move_id)
