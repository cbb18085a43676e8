"""Values that tell which merge tags a template really prints, and which of them are
empty."""

from markupsafe import Markup, escape

from .template_language import render_source

# Characters of the private use area: they surround a printed value until it has been
# looked at.
START, MIDDLE, END = "\ue010", "\ue011", "\ue012"


class _Watched(str):
    """A text that prints its tag's name together with its value. Empty, it stays false,
    so that ``or`` and ``if`` choose as always."""

    tag: str

    def __new__(cls, tag: str, value: str):
        watched = super().__new__(cls, value)
        watched.tag = tag
        return watched

    def _marked(self, inner: str) -> str:
        return f"{START}{self.tag}{MIDDLE}{inner}{END}"

    def __html__(self) -> str:
        return Markup(self._marked(escape(str.__str__(self))))  # noqa: S704 (escaped right here)

    def __str__(self) -> str:
        return self._marked(str.__str__(self))

    def _same(self, *_args: object) -> "_Watched":
        return self

    upper = lower = title = capitalize = strip = _same


class _WatchedBlock(_Watched):
    def __html__(self) -> str:
        return Markup(self._marked("" if not self else "block"))  # noqa: S704


def render_watched(
    source: str,
    values: dict[str, object],
    lang: str,
    is_html: bool,
    blocks: tuple[str, ...],
) -> str:
    """The source filled in, each printed text value between its marks: START tag MIDDLE
    value END. Numbers stay as they are."""
    watched = {
        name: _WatchedBlock(name, value)
        if name in blocks
        else _Watched(name, value)
        if isinstance(value, str)
        else value
        for name, value in values.items()
    }
    return render_source(source, watched, lang, is_html)
