// Press Connect, consent with a wrong account and then with the right one, send a sample. node connect.js URL MAILBOX_ID ADDRESS FOLDER
const path = require("path");
const {eventually, login, run} = require("../support/browser.js");

run(async ({openPage}) => {
    const [url, id, address, folder] = process.argv.slice(2);
    const page = await openPage();
    await login(page, url, "admin");
    await page.goto(`${url}/odoo/action-invoice_chaser.chaser_provider_action/${id}`);
    await page.click("button[name=action_connect]");
    await page.click("a.account >> text=somebody@pop.example");
    await page.waitForSelector("main h1");
    console.log("refused:", (await page.innerText("main")).replace(/\s+/g, " "));
    await page.screenshot({path: path.join(folder, "refused.png")});
    await page.click("main a");
    await page.click("button[name=action_connect]");
    await page.click(`a.account >> text=${address}`);
    // The web client may first show the form from its cache, and then the server's data.
    const current = page.locator(".o_arrow_button_current:visible");
    console.log("state:", await eventually(() => current.innerText(), "Connected"));
    console.log("address bar:", page.url());
    await page.click("button[name=action_send_sample]");
    await page.waitForSelector(".o_notification");
    console.log(
        "sample:",
        (await page.innerText(".o_notification")).replace(/\s+/g, " ")
    );
    await page.screenshot({path: path.join(folder, "connected.png")});
});
