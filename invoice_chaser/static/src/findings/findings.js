import {Component} from "@odoo/owl";
import {ConfirmationDialog} from "@web/core/confirmation_dialog/confirmation_dialog";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/** What the checker found: errors, then warnings, each with its place. */
export class FindingsField extends Component {
    static template = "invoice_chaser.Findings";
    static props = {...standardFieldProps};

    get findings() {
        return this.props.record.data[this.props.name] || [];
    }
}

registry.category("fields").add("chaser_findings", {
    component: FindingsField,
    displayName: _t("Findings of the checker"),
    supportedTypes: ["json"],
});

/** A question with the checker's warnings before a campaign is sent. The given action follows, whether the user agrees or not. */
async function ask(env, action) {
    const {title, body, model, id, method, next} = action.params;
    // What follows takes the place of the screen that asked: the preview has become a campaign by now.
    const goOn = (result) =>
        next
            ? env.services.action.doAction(next, {
                  stackPosition: "replaceCurrentAction",
              })
            : env.services.action.doAction(
                  (result && result.type && result) || {
                      type: "ir.actions.client",
                      tag: "soft_reload",
                  }
              );
    env.services.dialog.add(ConfirmationDialog, {
        title,
        body,
        confirmLabel: _t("Send all the same"),
        cancelLabel: _t("Look at it first"),
        confirm: async () => goOn(await env.services.orm.call(model, method, [[id]])),
        cancel: () => goOn(),
    });
}

registry.category("actions").add("chaser_ask", ask);
