"""What channels keep of a contact: a number, a consent. After the contacts."""

from .changes import CHANGED, NEW, REFUSED, SAME, Change, refuse


class ChannelWriter:
    def __init__(self, table):
        self.table, self.env, self.company = table, table.env, table.company
        self.doors = self._find_doors()

    def _find_doors(self):
        """(channel, its targets) of those that files can say something about."""
        channels = self.env["chaser.channel"]
        doors = [channels._get(code) for code in channels._get_known()]
        return [
            (door, targets)
            for door in doors
            if (targets := set(door._get_import_targets()))
        ]

    def identities(self, record):
        return [record.key]

    def name(self, record):
        return record.values.get("name") or record.key

    def plan(self, records):
        self.table.finder.prefetch(records)
        found = [(record, self.table.find(record)) for record in records]
        return [
            match if isinstance(match, Change) else self._plan_one(record, match)
            for record, match in found
        ]

    def _plan_one(self, record, match):
        is_known = bool(match.partner)
        if not is_known and not (match.planned or self.table.dry):
            return refuse(record, "no_customer", detail=self.name(record))
        partner = match.partner.with_company(self.company)
        change = Change(record, SAME, self.name(record), partner_id=partner.id)
        for door, targets in self.doors:
            told = {
                name: value
                for name, value in record.values["told"].items()
                if name in targets
            }
            if not told:
                continue
            values, difference, reason = door._plan_contact(
                partner, told, record.values
            )
            change.reason = change.reason or reason
            if values:
                change.values[door._get_code()] = values
                change.difference |= difference
        if change.values:
            is_new = any(not here for here, _told in change.difference.values())
            change.action = NEW if is_new else CHANGED
        elif change.reason:
            change.action = REFUSED
        change.target = partner
        return change

    def apply(self, changes):
        channels = self.env["chaser.channel"]
        for change in changes:
            for code, values in change.values.items():
                channels._get(code)._write_contact(change.target, values)
