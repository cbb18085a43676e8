"""Reports of mail services: who may send them, and what they say. One module per
service; a module that stands in this folder is all that a new one needs."""

import importlib
import pkgutil
from collections.abc import Iterable

from .base import Malformed, Refused, Report, Service, WebhookRequest


def find_services(folders: Iterable[str]) -> dict[str, Service]:
    """The services of the modules in ``folders`` by name, in the order of their
    labels."""
    found: list[Service] = []
    for info in pkgutil.iter_modules(folders):
        module = importlib.import_module(f"{__name__}.{info.name}")
        found += [one for one in vars(module).values() if isinstance(one, Service)]
    return {one.name: one for one in sorted(found, key=lambda one: one.label)}


SERVICES = find_services(__path__)

__all__ = [
    "SERVICES",
    "Malformed",
    "Refused",
    "Report",
    "Service",
    "WebhookRequest",
    "find_services",
]
