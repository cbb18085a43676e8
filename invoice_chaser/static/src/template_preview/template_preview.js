import {Component, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/**
 * A template as its reader sees it: languages side by side or in one message, desktop or phone, as HTML, text or headers.
 * The frames are sandboxed: no script of a message runs, and no image is loaded through our own pixel.
 */
export class TemplatePreviewField extends Component {
    static template = "invoice_chaser.TemplatePreview";
    static props = {...standardFieldProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({
            view: "side",
            width: "desktop",
            part: "html",
            sending: false,
        });
    }

    get value() {
        return this.props.record.data[this.props.name] || {languages: {}};
    }

    get names() {
        return {en: _t("English"), ar: _t("Arabic"), both: _t("Arabic and English")};
    }

    get views() {
        return [
            ["side", _t("Side by side")],
            ["en", _t("English")],
            ["ar", _t("Arabic")],
            ["both", _t("Both in one")],
        ];
    }

    get parts() {
        return [
            ["html", _t("Message")],
            ["text", _t("Text")],
            ["headers", _t("Headers")],
        ];
    }

    /** The messages to show, in the reading order of the screen. */
    get shown() {
        const keys = this.state.view === "side" ? ["en", "ar"] : [this.state.view];
        return keys.map((key) => ({
            key,
            name: this.names[key],
            dir: key === "en" ? "ltr" : "rtl",
            ...(this.value.languages[key] || {}),
        }));
    }

    get canSend() {
        return (
            Boolean(this.props.record.resId) &&
            this.props.record.resModel === "chaser.template"
        );
    }

    frame(message) {
        return (message.html || "").replace(/<img[^>]+\/chaser\/o\/[^>]*>/g, "");
    }

    async sendMe() {
        if (!(await this.props.record.save())) {
            return;
        }
        this.state.sending = true;
        try {
            const language = this.state.view === "side" ? "en" : this.state.view;
            const args = [
                [this.props.record.resId],
                this.value.partner_id || false,
                language,
            ];
            const result = await this.orm.call(
                "chaser.template",
                "action_send_me",
                args
            );
            await this.action.doAction(result);
        } finally {
            this.state.sending = false;
        }
    }
}

registry.category("fields").add("chaser_template_preview", {
    component: TemplatePreviewField,
    displayName: _t("Template preview"),
    supportedTypes: ["json"],
});
