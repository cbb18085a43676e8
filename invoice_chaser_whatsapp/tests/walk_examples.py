"""What the walks of invoice_chaser over all models (``companies_common``) need to make
a record of ours: pairs of field and function of a number."""

EXAMPLES = {
    "chaser.whatsapp.person": (
        ("phone_e164", lambda number: f"+9715{10_000_000 + number}"),
    ),
    "chaser.whatsapp.template": (
        ("name", lambda number: f"walk_{number}"),
        ("body", lambda number: f"Letter {number}"),
    ),
}
