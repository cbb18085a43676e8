"""PDF by WeasyPrint, where it is installed. It shapes and orders Arabic as a browser
does."""

import logging
from functools import lru_cache


class NoEngine(Exception):
    """WeasyPrint (67 or later), or the Pango library under it, is not installed."""


@lru_cache(maxsize=1)
def _load():
    """The library, the fonts (shared: finding them again would take longer than the
    document), and what may be loaded: nothing but what a document brings along
    itself."""
    # WeasyPrint logs each of its steps; only problems belong in a server's log.
    for name in ("weasyprint.progress", "fontTools"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        import weasyprint  # noqa: PLC0415 (optional, and slow to load)
        from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415
        from weasyprint.urls import URLFetcher  # noqa: PLC0415
    except (ImportError, OSError) as error:
        raise NoEngine(str(error)) from None
    return weasyprint, FontConfiguration(), URLFetcher(allowed_protocols=["data"])


def is_available() -> bool:
    """Whether WeasyPrint and its libraries can be loaded in this process."""
    try:
        return bool(_load())
    except NoEngine:
        return False


def make_pdf(html: str) -> bytes:
    """The PDF of an HTML document. Nothing is fetched over the network or from files.

    :raises NoEngine: without WeasyPrint
    """
    weasyprint, fonts, fetcher = _load()
    return weasyprint.HTML(string=html, url_fetcher=fetcher).write_pdf(
        font_config=fonts
    )
