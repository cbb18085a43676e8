// Takes pictures of a running demo: node dev/screenshots.js URL FOLDER [name …]. Started by dev/screenshots.
const path = require("path");
const {launch, login, openPage} = require("../tests/support/browser.js");
const [url, folder, ...only] = process.argv.slice(2);

async function shoot(page, name, options = {}) {
    await page.waitForTimeout(options.wait || 1200);
    await page.screenshot({path: path.join(folder, `${name}.png`), fullPage: false});
    console.log(name);
}

async function openChase(page) {
    await page.goto(`${url}/odoo/action-account.action_move_out_invoice_type`);
    await page.waitForSelector(".o_list_view .o_data_row, .o_kanban_record");
}

const steps = {
    async invoices(page, tag) {
        await openChase(page);
        if (!tag.includes("phone")) {
            await page.click("thead .o_list_record_selector input");
            await page.waitForSelector("button[name=action_chase]");
        }
        await shoot(page, `invoices-${tag}`);
    },
    async preview(page, tag) {
        if (tag.includes("phone")) return;
        await openChase(page);
        await page.click("thead .o_list_record_selector input");
        await page.click(
            ".o_control_panel button[name=action_chase], .o_list_buttons button[name=action_chase], button[name=action_chase]"
        );
        await page.waitForSelector(".o_form_view .o_chaser_figures");
        await shoot(page, `preview-${tag}`);
        await page.click("a.nav-link[name=held]");
        await shoot(page, `preview-held-${tag}`);
        await page.click("a.nav-link[name=preview]");
        await shoot(page, `preview-message-${tag}`);
    },
    async campaigns(page, tag) {
        await page.goto(`${url}/odoo/chaser`);
        await page.waitForSelector(".o_kanban_record");
        await shoot(page, `campaigns-${tag}`);
    },
    async campaign(page, tag) {
        await page.goto(`${url}/odoo/chaser`);
        await page.click(".o_kanban_record:not(.o_kanban_ghost)");
        await page.waitForSelector(".o_form_view");
        await shoot(page, `campaign-${tag}`);
    },
    async reminders(page, tag) {
        await page.goto(`${url}/odoo/chaser-reminders`);
        await page.waitForSelector(".o_data_row, .o_kanban_record");
        await shoot(page, `reminders-${tag}`);
        await page.click(
            ".o_data_row:nth-child(20) .o_data_cell, .o_kanban_record:nth-child(5)"
        );
        await page.waitForSelector(".o_form_view iframe");
        await shoot(page, `reminder-${tag}`);
    },
    async mailbox(page, tag) {
        await page.goto(`${url}/odoo/action-invoice_chaser.chaser_provider_action`);
        await page.click(
            ".o_data_row .o_data_cell:not(.o_handle_cell), .o_kanban_record"
        );
        await page.waitForSelector(".o_form_view");
        await shoot(page, `mailbox-${tag}`);
    },
    async template(page, tag) {
        await page.goto(`${url}/odoo/action-invoice_chaser.chaser_template_action`);
        await page.click(
            ".o_data_row .o_data_cell:not(.o_handle_cell), .o_kanban_record"
        );
        await page.waitForSelector(".o_form_view");
        await shoot(page, `template-${tag}`);
        await page.click(
            "a.nav-link[name=text_ar]:visible, a.nav-link[name=text_en]:visible"
        );
        await shoot(page, `template-other-${tag}`);
        await page.click("a.nav-link[name=preview]");
        await shoot(page, `template-preview-${tag}`);
    },
    async levels(page, tag) {
        await page.goto(`${url}/odoo/action-invoice_chaser.chaser_level_action`);
        await page.waitForSelector(".o_data_row, .o_kanban_record");
        await shoot(page, `levels-${tag}`);
    },
    async customer(page, tag) {
        await page.goto(`${url}/odoo/customers`);
        await page.click(
            ".o_kanban_record:not(.o_kanban_ghost), .o_data_row .o_data_cell"
        );
        await page.waitForSelector("a.nav-link[name=chaser]");
        await page.click("a.nav-link[name=chaser]");
        await shoot(page, `customer-${tag}`);
    },
    async worklist(page, tag) {
        await page.goto(`${url}/odoo/action-invoice_chaser.chaser_worklist_action`);
        await page.waitForSelector(".o_data_row, .o_kanban_record");
        await shoot(page, `worklist-${tag}`);
        await page.click(".o_data_row .o_data_cell[name=partner_id], .o_kanban_record");
        await page.waitForSelector(".o_form_view");
        await shoot(page, `worklist-customer-${tag}`);
    },
    async simulator(page, tag) {
        await page.goto(
            `${url}/odoo/action-invoice_chaser.chaser_simulation_server_action`
        );
        await page.waitForSelector(".o_form_view");
        await shoot(page, `simulator-${tag}`);
    },
    async whatsapp_numbers(page, tag) {
        await page.goto(
            `${url}/odoo/action-invoice_chaser_whatsapp.chaser_whatsapp_person_action`
        );
        await page.waitForSelector(".o_data_row, .o_kanban_record");
        await shoot(page, `whatsapp-numbers-${tag}`);
        await page.click(
            ".o_data_row .o_data_cell[name=partner_id], .o_kanban_record:not(.o_kanban_ghost)"
        );
        await page.waitForSelector(".o_form_view");
        await shoot(page, `whatsapp-number-${tag}`);
    },
    async whatsapp_templates(page, tag) {
        await page.goto(
            `${url}/odoo/action-invoice_chaser_whatsapp.chaser_whatsapp_template_action`
        );
        await page.waitForSelector(".o_data_row, .o_kanban_record");
        await shoot(page, `whatsapp-templates-${tag}`);
        // The Arabic text on Arabic screens.
        await page.click(
            `:is(.o_data_row .o_data_cell[name=name], .o_kanban_record:not(.o_kanban_ghost)) >> nth=${tag.startsWith("ar") ? 1 : 0}`
        );
        await page.waitForSelector(".o_form_view iframe");
        await shoot(page, `whatsapp-template-${tag}`);
        await page.locator(".o_form_view iframe").scrollIntoViewIfNeeded();
        await shoot(page, `whatsapp-template-phone-${tag}`);
    },
    async whatsapp_reminders(page, tag) {
        await page.goto(`${url}/odoo/chaser-reminders`);
        await page.waitForSelector(".o_data_row, .o_kanban_record");
        await shoot(page, `whatsapp-reminders-${tag}`);
    },
    async whatsapp_answers(page, tag) {
        await page.goto(
            `${url}/odoo/action-invoice_chaser_whatsapp.chaser_whatsapp_answer_action`
        );
        await page.waitForSelector(".o_data_row, .o_kanban_record");
        await shoot(page, `whatsapp-answers-${tag}`);
        await page.click(
            ".o_data_row .o_data_cell[name=subject], .o_kanban_record:not(.o_kanban_ghost)"
        );
        await page.waitForSelector("button[name=action_whatsapp_answer]");
        await page.click("button[name=action_whatsapp_answer]:visible");
        await page.waitForSelector(".modal .o_form_view");
        await shoot(page, `whatsapp-answer-${tag}`);
        await page.click(".modal button.btn-close, .modal .btn-secondary:visible");
    },
    async whatsapp_costs(page, tag) {
        await page.goto(
            `${url}/odoo/action-invoice_chaser_whatsapp.chaser_whatsapp_charge_action`
        );
        await page.waitForSelector(".o_list_view, .o_kanban_view");
        await shoot(page, `whatsapp-costs-${tag}`);
    },
    async whatsapp_mailbox(page, tag) {
        await page.goto(`${url}/odoo/action-invoice_chaser.chaser_provider_action`);
        await page.waitForSelector(".o_data_row, .o_kanban_record");
        await shoot(page, `whatsapp-mailboxes-${tag}`);
        await page.click(
            ":is(.o_data_row, .o_kanban_record:not(.o_kanban_ghost)):has-text('+971') >> nth=0"
        );
        await page.waitForSelector(".o_form_view a.nav-link[name=whatsapp]");
        await page.click("a.nav-link[name=whatsapp]");
        await shoot(page, `whatsapp-mailbox-${tag}`);
    },
    async whatsapp_level(page, tag) {
        await page.goto(`${url}/odoo/action-invoice_chaser.chaser_level_action`);
        await page.waitForSelector(".o_data_row, .o_kanban_record");
        await page.click(
            ".o_data_row .o_data_cell[name=name], .o_kanban_record:not(.o_kanban_ghost)"
        );
        await page.waitForSelector(".o_form_view [name=channel_pick]");
        await shoot(page, `whatsapp-level-${tag}`);
    },
    async whatsapp_campaign(page, tag) {
        await page.goto(`${url}/odoo/chaser`);
        await page.click(".o_kanban_record:not(.o_kanban_ghost)");
        await page.waitForSelector(".o_form_view [name=channel_figures]");
        await page.locator("[name=channel_figures]").first().scrollIntoViewIfNeeded();
        await shoot(page, `whatsapp-campaign-${tag}`);
    },
    async settings(page, tag) {
        await page.goto(`${url}/odoo/settings#account`);
        await page.waitForSelector(".o_setting_container, .settings");
        await page.goto(`${url}/odoo/action-account.action_account_config`);
        await page.waitForSelector("#chaser_key, [id=chaser_key]");
        await page.locator("#chaser_interval").scrollIntoViewIfNeeded();
        await shoot(page, `settings-${tag}`);
    },
};

(async () => {
    const browser = await launch();
    for (const [tag, user, viewport] of [
        ["en", "admin", {width: 1440, height: 900}],
        ["ar", "arabic", {width: 1440, height: 900}],
        ["en-phone", "admin", {width: 390, height: 844}],
        ["ar-phone", "arabic", {width: 390, height: 844}],
    ]) {
        const errors = [];
        const page = await login(
            await openPage(browser, errors, {viewport}),
            url,
            user
        );
        for (const [name, step] of Object.entries(steps)) {
            if (only.length && !only.includes(name) && !only.includes(`${name}-${tag}`))
                continue;
            try {
                await step(page, tag);
            } catch (error) {
                console.error(`${name}-${tag}: ${error.message.split("\n")[0]}`);
                await page.screenshot({
                    path: path.join(folder, `FAILED-${name}-${tag}.png`),
                });
                process.exitCode = 1;
            }
        }
        if (errors.length) {
            console.error(tag, errors);
            process.exitCode = 1;
        }
        await page.context().close();
    }
    await browser.close();
})();
