import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/** How old what is open is, as a bar; its parts are told as text, too. */
export class AgeingField extends Component {
    static template = "invoice_chaser.Ageing";
    static props = {...standardFieldProps};

    get parts() {
        return this.props.record.data[this.props.name] || [];
    }

    get text() {
        return this.parts.map((part) => `${part.label}: ${part.amount}`).join("\n");
    }
}

registry.category("fields").add("chaser_ageing", {
    component: AgeingField,
    displayName: _t("Ageing"),
    supportedTypes: ["json"],
    isEmpty: () => false,
});
