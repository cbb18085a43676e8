from hashlib import sha256

from odoo.tools import SQL


class PreparedQueries:
    """Queries that run for each message, planned once a run, because PostgreSQL takes
    several times as long to plan such small ones as to execute them. They stay with the
    connection over commits and rollbacks; the next run on it removes them and plans
    anew."""

    def __init__(self, cr):
        self._cr = cr
        self._names = None

    def ask(self, query):
        """The rows of an ``SQL`` query as dictionaries. Its values must not change its
        text (``= ANY(%s)``, not ``IN %s``)."""
        name = self._prepare(query.code)
        values = SQL(", ").join(SQL("%s", value) for value in query.params)
        self._cr.execute(
            SQL("EXECUTE %s(%s)", SQL.identifier(name), values)
            if query.params
            else SQL("EXECUTE %s", SQL.identifier(name))
        )
        return self._cr.dictfetchall()

    def _prepare(self, code):
        if self._names is None:
            self._clear()
        name = f"chaser_{sha256(code.encode()).hexdigest()[:32]}"
        if name not in self._names:
            self._cr.execute(
                SQL(
                    "PREPARE %s AS %s",
                    SQL.identifier(name),
                    SQL(_number(code).replace("%", "%%")),
                )
            )
            self._names.add(name)
        return name

    def _clear(self):
        self._cr.execute(
            SQL(r"SELECT name FROM pg_prepared_statements WHERE name LIKE 'chaser\_%%'")
        )
        for (name,) in self._cr.fetchall():
            self._cr.execute(SQL("DEALLOCATE %s", SQL.identifier(name)))
        self._names = set()


def _number(code):
    """``%s`` as PostgreSQL's own ``$1``, ``$2`` …"""
    first, *others = code.split("%s")
    return "".join(
        [first, *(f"${place}{part}" for place, part in enumerate(others, 1))]
    ).replace("%%", "%")
