// Maybe Paid: money that quotes the payment reference of a reminder, allocated to its items in one click. node allocate.js URL [FOLDER]
const path = require("path");
const {eventually, login, run} = require("../support/browser.js");

run(async ({openPage}) => {
    const [url, folder] = process.argv.slice(2);
    const page = await openPage();
    const shoot = (name) =>
        folder && page.screenshot({path: path.join(folder, `${name}.png`)});
    await login(page, url, "accountant");
    await page.goto(
        `${url}/odoo/action-invoice_chaser.chaser_maybe_paid_server_action`
    );
    await page.waitForSelector(".o_data_row");
    await shoot("maybe-paid-list");
    await page.click(".o_data_row td[name=partner_id]");
    await page.waitForSelector(".o_form_view [name=fits]");
    console.log(
        "fits",
        await eventually(() => page.innerText("[name=fits]"), "reference")
    );
    await shoot("maybe-paid-form");
    await page.getByRole("button", {name: "Allocate to These Items"}).click();
    await page.waitForSelector(".o_notification");
    console.log(
        "said",
        await eventually(() => page.innerText(".o_notification"), "still open")
    );
    console.log(
        "state",
        await eventually(() => page.innerText(".o_arrow_button_current"), "Reconciled")
    );
    await shoot("maybe-paid-allocated");
});
