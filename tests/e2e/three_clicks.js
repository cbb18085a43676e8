// Select the overdue invoices, press Chase, press Send: what an accountant does. node three_clicks.js URL
const path = require("path");
const {chromium} = require(path.join(process.env.CHASER_NODE, "node_modules/playwright-core"));

(async () => {
    const url = process.argv[2];
    const browser = await chromium.launch({
        executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
        args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"],
    });
    const page = await (await browser.newContext({viewport: {width: 1440, height: 900}})).newPage();
    page.setDefaultTimeout(90000);
    const errors = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(`${url}/web/login`);
    await page.fill("input[name=login]", "accountant");
    await page.fill("input[name=password]", "accountant");
    await page.click("button[type=submit]");
    await page.waitForSelector(".o_main_navbar");
    await page.goto(`${url}/odoo/action-account.action_move_out_invoice_type`);
    await page.waitForSelector(".o_data_row");
    await page.click("thead .o_list_record_selector input");
    await page.click("button[name=action_chase]");
    await page.waitForSelector(".o_chaser_figures");
    console.log((await page.innerText(".o_chaser_figures")).replace(/\s+/g, " "));
    await page.click("button[name=action_send]");
    await page.waitForSelector(".o_form_view .o_statusbar_status");
    await page.waitForSelector("[name=progress]");
    console.log("state", await page.innerText(".o_arrow_button_current"));
    await browser.close();
    if (errors.length) throw new Error(errors.join("\n"));
})().catch((error) => {
    console.error(error);
    process.exit(1);
});
