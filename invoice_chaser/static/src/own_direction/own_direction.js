import {Component, xml} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/**
 * Text of others in a list: from the right or from the left as its own words are, so
 * that what does not fit is cut off at its end. In an Arabic list, Odoo's own column
 * would cut an English subject at its beginning.
 */
export class OwnDirectionField extends Component {
    static template = xml`
        <span class="d-block text-truncate" t-att-dir="direction" t-att-title="value" t-out="value"/>`;
    static props = {...standardFieldProps};

    get value() {
        return this.props.record.data[this.props.name] || "";
    }

    /** By the first letter; said to the cell, so that the end is cut off. */
    get direction() {
        const letter = this.value.match(/\p{L}/u);
        return letter && /[\u0590-\u08ff\ufb1d-\ufeff]/.test(letter[0]) ? "rtl" : "ltr";
    }
}

registry.category("fields").add("chaser_own_direction", {
    component: OwnDirectionField,
    supportedTypes: ["char", "text"],
});
