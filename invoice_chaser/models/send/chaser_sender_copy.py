from odoo import models


class ChaserSenderCopy(models.AbstractModel):
    """A copy that the customer asked for passes the same steps and limits. Interval,
    pause and promise do not stop it, because the customer wants it; a payment and a
    stopped address do."""

    _name = "chaser.sender.copy"
    _inherit = ["chaser.sender"]
    _description = "Sender of Copies on Request"

    # A copy goes only to the addresses of the original message.
    _copies_colleagues = False

    def _get_bank_stop(self, job, company):
        """The customer asked for it, so it does not wait for newer bank data."""
        return None

    def _read_addresses(self, job):
        """Where the message went that the copy is of."""
        return job.channel._get_addresses(job.row)

    def _get_drop_reason(self, row, job):
        code, params = super()._get_drop_reason(row, job)
        return (
            (code, params)
            if code in ("paid", "not_open", "other_customer")
            else (None, None)
        )

    def _step_gates(self, job):
        return self._get_address_stop(job) or self._get_domain_stop(job)

    def _step_render(self, job):
        """The same text while the balances are unchanged; else it is rendered anew,
        like any message."""
        stop = super()._step_render(job)
        original = self.env["chaser.reminder"].browse(job.row["copy_of_id"] or ())
        if not stop and original and self._says_the_same(job, original):
            job.channel._repeat(job, original)
        return stop

    def _says_the_same(self, job, original):
        then = {
            line.move_line_id.id: line.amount_residual
            for line in original._get_page_lines()
        }
        return then == {
            row["id"]: float(row["residual"]) for row in job.items + job.credits
        }
