import {Component, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/**
 * A mail as its reader sees it. The frame is sandboxed: no script of a message runs, and neither its pixel nor its links count.
 */
export class MailPreviewField extends Component {
    static template = "invoice_chaser.MailPreview";
    static props = {...standardFieldProps};

    setup() {
        this.state = useState({width: "desktop"});
    }

    get html() {
        const value = this.props.record.data[this.props.name];
        // Loading the pixel here would count as an open by the user.
        return value
            ? value.toString().replace(/<img[^>]+\/chaser\/o\/[^>]*>/g, "")
            : "";
    }

    get frameTitle() {
        return _t("Message");
    }

    show(width) {
        this.state.width = width;
    }
}

registry.category("fields").add("chaser_mail_preview", {
    component: MailPreviewField,
    displayName: _t("Mail preview"),
    supportedTypes: ["html", "text"],
});
