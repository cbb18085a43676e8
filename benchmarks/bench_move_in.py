"""Contacts of another tool: a file of 100,000 rows checked, imported, and imported
again, as the job does it, with a commit after each batch. Beside the time: how much the
memory of the process grows from the first batches to the last."""

import time
from base64 import b64encode

from figures import SMOKE, Row, print_table, require, scaled

ROWS = scaled(100_000)
QUICK_ROWS = scaled(10_000)


def make_csv(count):
    """Every thirtieth has opted out, every hundredth was disabled; tags, lists, notes
    and a column of the tool's own."""
    lines = ["id,email,name,phone,city,tags,lists,status,consent,Shop Size"]
    for n in range(count):
        status = "unsubscribed" if n % 30 == 0 else "disabled" if n % 100 == 1 else ""
        lines.append(
            f"b{n},buyer{n}@shop{n % 9000}.example,Buyer {n},+97150{n:07d},Dubai,"
            f'"Tag {n % 20},Retail",List {n % 5},{status},'
            f"{'yes' if n % 3 == 0 else ''},{'Large' if n % 2 else 'Small'}"
        )
    return "\n".join(lines).encode()


def read_memory():
    """Resident memory of this process, in MB."""
    with open("/proc/self/status") as status:
        [line] = [line for line in status if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def make_import(env, raw):
    user = env["res.users"].create(
        {
            "name": "Mover",
            "login": "bench_mover",
            "group_ids": [
                (4, env.ref("invoice_chaser.group_chaser_manager").id),
                (4, env.ref("base.group_partner_manager").id),
            ],
        }
    )
    env = env(user=user, context={"allowed_company_ids": user.company_id.ids})
    attachment = env["ir.attachment"].create(
        {
            "name": "contacts.csv",
            "datas": b64encode(raw),
            "res_model": "chaser.import",
        }
    )
    imp = env["chaser.import"].create({"attachment_ids": [(6, 0, attachment.ids)]})
    imp._read_files()
    require(not imp.is_open, imp.file_ids.question)
    return imp


def take(imp, dry):
    """(seconds, memory after the first tenth, most memory afterwards, batches)"""
    memory = []

    def tell(_imp):
        memory.append(read_memory())

    started = time.perf_counter()
    imp._run_now(dry, tell)
    seconds = time.perf_counter() - started
    require(imp.state in ("checked", "done"), imp.message)
    early = max(memory[: max(len(memory) // 10, 1)])
    return seconds, early, max(memory), len(memory)


def run(env, quick):
    rows = QUICK_ROWS if quick and not SMOKE else ROWS
    imp = make_import(env, make_csv(rows))
    env.cr.commit()
    table, notes = [], []
    for name, dry, expected in (
        ("checked", True, "new"),
        ("imported", False, "new"),
        ("imported again", False, "same"),
    ):
        seconds, early, most, batches = take(imp, dry)
        counts = imp.file_ids.figures["contact"]
        require(counts == {expected: rows}, f"{name}: {counts}")
        table.append(
            Row(f"{rows:,} rows {name}", f"{seconds:.0f} s", ratio=f"{batches} batches")
        )
        notes.append(
            f"{name}: {rows / seconds:.0f} rows/s; {early:.0f} MB after a tenth of the "
            f"batches, at most {most:.0f} MB"
        )
    print_table("move_in: contacts of another tool", table, notes)
