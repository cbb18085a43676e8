import {FormController} from "@web/views/form/form_controller";
import {formView} from "@web/views/form/form_view";
import {registry} from "@web/core/registry";

/** Buttons after which the preview is a campaign. */
const LEADS_ON = [
    "action_send",
    "action_send_later",
    "action_schedule",
    "action_save_draft",
    "action_open_campaign",
];

/**
 * The preview of a campaign. The campaign takes its place, so that the breadcrumb does not lead back to a preview that was sent.
 */
export class PreviewFormController extends FormController {
    async beforeExecuteActionButton(clickParams) {
        if (LEADS_ON.includes(clickParams.name)) {
            clickParams.stackPosition = "replaceCurrentAction";
        }
        return super.beforeExecuteActionButton(clickParams);
    }
}

registry.category("views").add("chaser_preview_form", {
    ...formView,
    Controller: PreviewFormController,
});
