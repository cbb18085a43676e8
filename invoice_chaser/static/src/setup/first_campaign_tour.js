import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

/**
 * The first campaign, from the worklist to the campaign that sends. Whoever begins sees it step by step (First Steps, "Show Me"); a test walks it in English
 * and Arabic.
 */
registry.category("web_tour.tours").add("chaser_first_campaign", {
    url: "/odoo",
    steps: () => [
        ...stepUtils.goToAppSteps("invoice_chaser.chaser_menu", _t("Open Chaser.")),
        {
            trigger: "[data-menu-xmlid='invoice_chaser.chaser_todo_menu']",
            content: _t("What waits for you stands under To Do."),
            run: "click",
        },
        {
            trigger:
                ".dropdown-item[data-menu-xmlid='invoice_chaser.chaser_worklist_menu']",
            content: _t("The worklist has your overdue customers, most urgent first."),
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row .o_chaser_ageing",
            isActive: ["auto"],
        },
        {
            trigger: "thead .o_list_record_selector input",
            content: _t("Choose them all, or some of them."),
            run: "click",
        },
        {
            trigger: ".o_control_panel button[name=action_chase]",
            content: _t("Nothing is sent yet: you see first who would get what."),
            run: "click",
        },
        {
            trigger: ".o_chaser_figures",
            isActive: ["auto"],
        },
        {
            trigger: "a.nav-link[name=preview]",
            content: _t("Read the message as the customer will see it."),
            run: "click",
        },
        {
            trigger: ".o_chaser_mail_preview iframe",
            isActive: ["auto"],
        },
        {
            trigger: "button[name=action_send]:enabled",
            content: _t("Send it. You can pause at any time."),
            run: "click",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=progress]",
            content: _t("Here you see how far it is."),
        },
    ],
});
