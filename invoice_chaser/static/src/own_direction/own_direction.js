import {Component, xml} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/**
 * Text of others in a list: from the right or from the left as its own words are, so
 * that what does not fit is cut off at its end. In an Arabic list, Odoo's own column
 * would cut an English subject at its beginning. Of a link it shows the name; such a list
 * cannot be edited.
 */
export class OwnDirectionField extends Component {
    static template = xml`
        <div>
            <span class="d-inline-block mw-100 text-truncate align-bottom" t-att-dir="direction" t-att-title="value" t-out="value"/>
        </div>`;
    static props = {...standardFieldProps};

    get value() {
        const value = this.props.record.data[this.props.name] || "";
        return typeof value === "object" ? value.display_name || "" : value;
    }

    /** By the first letter; said to the text itself, so that its end is cut off, while what is short begins where its column does. */
    get direction() {
        const letter = this.value.match(/\p{L}/u);
        return letter && /[\u0590-\u08ff\ufb1d-\ufeff]/.test(letter[0]) ? "rtl" : "ltr";
    }
}

registry.category("fields").add("chaser_own_direction", {
    component: OwnDirectionField,
    supportedTypes: ["char", "text", "many2one"],
});
