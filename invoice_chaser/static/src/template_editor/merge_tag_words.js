import {_t} from "@web/core/l10n/translation";

// As the server finds them (core/letter/template_language.py), and comments.
const STATEMENT =
    /\{\{(?:[^{}]|\{(?![{%#])|\}(?!\}))*\}\}|\{%(?:[^{%]|\{(?![{%#])|%(?!\}))*%\}|\{#[^]*?#\}/g;
const PLURAL = /^(\w+)\s*\|\s*plural\(\s*(.*?)\s*\)$/s;
const FORM =
    /^(zero|one|two|few|many|other)\s*=\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*(?:,\s*|$)/s;
export const FORMS = ["zero", "one", "two", "few", "many", "other"];

/** The statements of a text: matches with their places. */
export function findStatements(text) {
    return [...text.matchAll(STATEMENT)];
}

export function isOneStatement(text) {
    const [first] = findStatements(text);
    return Boolean(first) && first[0] === text;
}

/** What stands between the braces, without the signs that take blanks away. */
export function readInner(source) {
    return source
        .slice(2, -2)
        .replace(/^[-+]|[-+]$/g, "")
        .replace(/\u00a0/g, " ")
        .trim();
}

/**
 * `{{ invoice_count|plural(one='an invoice', other='# invoices') }}` taken apart: the tag that is counted, and its forms in words; null for any
 * other statement.
 */
export function readPlural(source) {
    const found = source.startsWith("{{") && readInner(source).match(PLURAL);
    if (!found) return null;
    const forms = {};
    let rest = found[2];
    while (rest) {
        const form = rest.match(FORM);
        if (!form) return null;
        forms[form[1]] = form[2].slice(1, -1).replace(/\\(.)/gs, "$1");
        rest = rest.slice(form[0].length);
    }
    return "other" in forms ? {tag: found[1], forms} : null;
}

export function writePlural(tag, forms) {
    const quoted = FORMS.filter((form) => form in forms).map((form) => {
        const text = forms[form].replace(/\\/g, "\\\\").replace(/'/g, "\\'");
        return `${form}='${text}'`;
    });
    return `{{ ${tag}|plural(${quoted.join(", ")}) }}`;
}

/** Statements in words: what a chip says. Made from what the record offers to its picker. */
export class MergeTagWords {
    /** @param {{name: string, tags: {name: string, label: string, block: boolean}[]}[]} groups */
    constructor(groups) {
        this.tags = new Map(
            (groups || []).flatMap((group) => group.tags.map((tag) => [tag.name, tag]))
        );
    }

    getLabel(name) {
        return this.tags.get(name)?.label;
    }

    /** @returns {{kind: "tag"|"block"|"plural"|"formula"|"condition"|"note", label: string}} */
    describe(source) {
        const inner = readInner(source);
        if (source.startsWith("{#")) {
            return {kind: "note", label: _t("Note: %s", inner)};
        }
        if (source.startsWith("{%")) {
            return {kind: "condition", label: this.describeCondition(inner)};
        }
        const tag = this.tags.get(inner);
        if (tag) {
            return {kind: tag.block ? "block" : "tag", label: tag.label};
        }
        const plural = readPlural(source);
        if (plural) {
            const forms = new Set(FORMS.map((form) => plural.forms[form]));
            forms.delete(undefined);
            return {kind: "plural", label: [...forms].join(" / ")};
        }
        return {kind: "formula", label: this.describeFormula(inner)};
    }

    /** `'overdue ' if invoice_count > 1 else oldest_invoice ~ ', '`: the texts that it may become. */
    describeFormula(inner) {
        const choice = inner.match(/^(.+?)\s+if\s+.+?\s+else\s+(.+)$/s);
        return (choice ? choice.slice(1) : [inner])
            .map((text) => this.describeJoined(text))
            .filter(Boolean)
            .join(" / ");
    }

    describeJoined(text) {
        return text
            .split(/\s*~\s*/)
            .map((part) => {
                const quoted = part.match(/^(['"])(.*)\1$/s);
                return quoted ? quoted[2] : (this.getLabel(part) ?? part);
            })
            .join("")
            .trim();
    }

    describeCondition(inner) {
        if (inner === "endif") return _t("End of the condition");
        if (inner === "else") return _t("Otherwise:");
        const [, otherwise, not, what] =
            inner.match(/^(el)?if\s+(not\s+)?(.*)$/s) || [];
        if (what === undefined) return inner;
        const label = this.getLabel(what);
        if (otherwise || !label) {
            const condition = `${not || ""}${label || what}`;
            return otherwise
                ? _t("Otherwise, if %s:", condition)
                : _t("If %s:", condition);
        }
        return not ? _t("Only without “%s”:", label) : _t("Only with “%s”:", label);
    }
}
