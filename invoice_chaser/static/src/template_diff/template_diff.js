import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/** Two versions of a letter side by side; each language in its own direction. */
export class TemplateDiffField extends Component {
    static template = "invoice_chaser.TemplateDiff";
    static props = {...standardFieldProps};

    get value() {
        return this.props.record.data[this.props.name] || {languages: []};
    }

    parts(language) {
        return [
            [_t("Subject"), language.subject],
            [_t("Text"), language.body],
        ];
    }
}

registry.category("fields").add("chaser_template_diff", {
    component: TemplateDiffField,
    displayName: _t("Difference between versions"),
    supportedTypes: ["json"],
});
