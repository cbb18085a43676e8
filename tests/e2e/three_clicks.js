// Select the overdue invoices, press Chase, press Send: what an accountant does. node three_clicks.js URL
const {eventually, login, run} = require("../support/browser.js");

run(async ({openPage}) => {
    const url = process.argv[2];
    const page = await openPage();
    await login(page, url, "accountant");
    await page.goto(`${url}/odoo/action-account.action_move_out_invoice_type`);
    await page.waitForSelector(".o_data_row");
    await page.click("thead .o_list_record_selector input");
    await page.click("button[name=action_chase]");
    await page.waitForSelector(".o_chaser_figures");
    console.log(
        await eventually(() => page.innerText(".o_chaser_figures"), "Left out")
    );
    await page.click("button[name=action_send]");
    await page.waitForSelector(".o_form_view .o_statusbar_status");
    await page.waitForSelector("[name=progress]");
    console.log("state", await page.innerText(".o_arrow_button_current"));
});
