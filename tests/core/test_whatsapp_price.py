"""Which rate holds, what messages will cost, and what a report says about billing."""

from datetime import date
from decimal import Decimal

from whatsapp_core.price import Rate, choose_rate, make_forecast, read_pricing

DAY = date(2026, 11, 27)


def _rate(market, countries, amount, since=date(2026, 10, 1), category="utility"):
    return Rate(
        market, frozenset(countries), category, since, "AED", Decimal(str(amount))
    )


RATES = [
    _rate("Egypt", ["EG"], "0.0132"),
    _rate("Egypt", ["EG"], "0.0200", since=date(2027, 1, 1)),
    _rate("Egypt", ["EG"], "0.2364", category="marketing"),
    _rate("Rest of Middle East", ["AE", "OM"], "0.0500", since=date(2026, 7, 1)),
    _rate("Rest of Middle East", ["AE", "OM"], "0.0577"),
    _rate("Other", [], "0.0280"),
    _rate("Qatar", ["QA"], "0.09", category="marketing"),
]


def test_the_rate_of_the_day():
    assert choose_rate(RATES, "EG", "utility", DAY).amount == Decimal("0.0132")
    assert choose_rate(RATES, "EG", "utility", date(2027, 1, 1)).amount == Decimal(
        "0.0200"
    )
    assert choose_rate(RATES, "AE", "utility", date(2026, 9, 30)).amount == Decimal(
        "0.0500"
    )
    assert choose_rate(RATES, "AE", "utility", DAY).amount == Decimal("0.0577")


def test_other_countries():
    assert choose_rate(RATES, "BG", "utility", DAY).market == "Other"
    # The list knows Qatar's market, but not this rate: another market's is no guess.
    assert choose_rate(RATES, "QA", "utility", DAY) is None
    assert choose_rate(RATES, "", "utility", DAY) is None
    assert choose_rate(RATES, "EG", "utility", date(2026, 1, 1)) is None
    assert choose_rate(RATES, "EG", "service", DAY) is None
    assert choose_rate([], "EG", "utility", DAY) is None


def test_forecast():
    forecast = make_forecast(
        [("EG", "utility")] * 3 + [("AE", "utility"), ("QA", "utility"), ("", "x")],
        RATES,
        DAY,
    )
    assert forecast.messages == 6
    assert forecast.amounts == {"AED": Decimal("0.0973")}
    assert forecast.unpriced == {"QA": 1, "": 1}


def test_forecast_never_adds_up_currencies():
    dollars = Rate(
        "Saudi Arabia", frozenset(["SA"]), "utility", DAY, "USD", Decimal("0.01")
    )
    forecast = make_forecast(
        [("SA", "utility"), ("EG", "utility")], [*RATES, dollars], DAY
    )
    assert forecast.amounts == {"USD": Decimal("0.01"), "AED": Decimal("0.0132")}


def test_reports_about_billing():
    assert read_pricing({"type": "regular", "category": "utility"}) == (
        "utility",
        True,
    )
    assert read_pricing(
        {"billable": True, "type": "free_entry_point", "category": "SERVICE"}
    ) == ("service", False)
    assert read_pricing({"billable": False, "category": "utility"}) == (
        "utility",
        False,
    )
    assert read_pricing({"category": "authentication-international"}) == (
        "authentication_international",
        None,
    )
    assert read_pricing({}) == ("", None)
