import {Component, useState} from "@odoo/owl";
import {Dialog} from "@web/core/dialog/dialog";
import {_t} from "@web/core/l10n/translation";
import {FORMS, isOneStatement, readPlural, writePlural} from "./merge_tag_words";

/**
 * Looks into a chip that is more than a merge tag: words that change with a number are edited form by form; a condition or a formula as the
 * template language has it, which is checked when the template is saved.
 */
export class StatementDialog extends Component {
    static template = "invoice_chaser.StatementDialog";
    static components = {Dialog};
    static props = {
        source: String,
        label: String,
        dir: String,
        onDone: Function,
        close: Function,
    };

    setup() {
        this.plural = readPlural(this.props.source);
        this.state = useState({
            source: this.props.source,
            forms: {...this.plural?.forms},
            isWrong: false,
        });
    }

    get title() {
        return this.plural ? _t("Words That Change with a Number") : _t("Condition");
    }

    get forms() {
        const words = {
            zero: _t("For none"),
            one: _t("For one"),
            two: _t("For two"),
            few: _t("For few (3 to 10)"),
            many: _t("For many (11 to 99)"),
            other: _t("For any other number"),
        };
        return FORMS.filter((name) => name in this.state.forms).map((name) => ({
            name,
            label: words[name],
        }));
    }

    /** The statement as it is now; to the letter what it was, where no word has changed. */
    get source() {
        if (!this.plural) return this.state.source.trim();
        const {tag, forms} = this.plural;
        const isSame = Object.keys(forms).every(
            (form) => forms[form] === this.state.forms[form]
        );
        return isSame ? this.props.source : writePlural(tag, this.state.forms);
    }

    save() {
        const source = this.source;
        if (!isOneStatement(source)) {
            this.state.isWrong = true;
            return;
        }
        if (source !== this.props.source) this.props.onDone(source);
        this.props.close();
    }

    remove() {
        this.props.onDone("");
        this.props.close();
    }
}
