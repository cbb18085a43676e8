// Press Connect, consent with a wrong account and then with the right one, send a sample. node connect.js URL MAILBOX_ID ADDRESS FOLDER
const path = require("path");
const {chromium} = require(path.join(process.env.CHASER_NODE, "node_modules/playwright-core"));

(async () => {
    const [url, id, address, folder] = process.argv.slice(2);
    const browser = await chromium.launch({
        executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
        args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"],
    });
    const page = await (await browser.newContext({viewport: {width: 1440, height: 900}})).newPage();
    page.setDefaultTimeout(90000);
    const errors = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(`${url}/web/login`);
    await page.fill("input[name=login]", "admin");
    await page.fill("input[name=password]", "admin");
    await page.click("button[type=submit]");
    await page.waitForSelector(".o_main_navbar");
    await page.goto(`${url}/odoo/action-invoice_chaser.chaser_provider_action/${id}`);
    await page.click("button[name=action_connect]");
    await page.click("a.account >> text=somebody@pop.example");
    await page.waitForSelector("main h1");
    console.log("refused:", (await page.innerText("main")).replace(/\s+/g, " "));
    await page.screenshot({path: path.join(folder, "refused.png")});
    await page.click("main a");
    await page.click("button[name=action_connect]");
    await page.click(`a.account >> text=${address}`);
    // The web client may show the form from its own store first, and then what the server says.
    await page.waitForSelector('.o_form_view .o_arrow_button_current:has-text("Connected")', {timeout: 20000}).catch(() => {});
    console.log("state:", await page.innerText(".o_arrow_button_current"));
    console.log("address bar:", page.url());
    await page.click("button[name=action_send_sample]");
    await page.waitForSelector(".o_notification");
    console.log("sample:", (await page.innerText(".o_notification")).replace(/\s+/g, " "));
    await page.screenshot({path: path.join(folder, "connected.png")});
    await browser.close();
    if (errors.length) throw new Error(errors.join("\n"));
})().catch((error) => {
    console.error(error);
    process.exit(1);
});
