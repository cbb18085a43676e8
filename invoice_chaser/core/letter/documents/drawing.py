"""A document that is to be drawn, as plain values: drawn without any transaction, and
compared before it goes."""

from dataclasses import dataclass, field

from ..message_data import MessageData
from ..render import languages
from . import letter, pdf, statement
from .choice import XLSX, Document


@dataclass(frozen=True)
class Letter:
    """What a letter is made of; see ``letter.letter_html``."""

    data: MessageData
    sources: dict[str, tuple[str, str]]
    customer: dict[str, str] = field(default_factory=dict)
    logo: str = ""


@dataclass(frozen=True)
class Drawing:
    """Two drawings are equal when their documents would say the same. ``form``: ``pdf``
    or ``xlsx`` (statements only); ``preference``: ``en``, ``ar`` or ``both``."""

    name: str
    source: Letter | statement.Statement
    preference: str
    form: str = "pdf"

    @property
    def kind(self) -> str:
        return "letter" if isinstance(self.source, Letter) else "statement"

    def draw(self) -> Document:
        """The document. Takes tenths of a second, and more for a long account.

        :raises pdf.NoEngine: without WeasyPrint
        :raises TemplateProblem: when the letter's text does not render
        """
        if self.form == "xlsx":
            return Document(
                self.kind,
                self.name,
                statement.statement_xlsx(self.source, languages(self.preference)),
                XLSX,
            )
        return Document(self.kind, self.name, pdf.make_pdf(self._make_html()))

    def _make_html(self) -> str:
        source = self.source
        if isinstance(source, Letter):
            return letter.letter_html(
                source.data,
                source.sources,
                self.preference,
                source.customer,
                source.logo,
            )
        return statement.statement_html(source, languages(self.preference))


@dataclass(frozen=True)
class Drawn:
    """The result of a drawing: the document, or the note (key and values of the
    catalogue of reasons) on why there is none."""

    drawing: Drawing
    document: Document | None = None
    note: list | None = None
