// Drops a file onto the page, checks it, sees the bar move, imports it, and looks at what came in: node move_in.js URL CSV [FOLDER for pictures]
const fs = require("fs");
const path = require("path");
const {eventually, getOverflow, login, run} = require("../support/browser.js");

const [url, csv, folder] = process.argv.slice(2);
const content = fs.readFileSync(csv, "utf8");

async function shoot(page, name) {
    if (!folder) return;
    await page.waitForTimeout(700);
    await page.screenshot({path: path.join(folder, `${name}.png`)});
}

/** As a person who drags a file in from another window. */
async function drop(page, name, text) {
    const data = await page.evaluateHandle(
        ([fileName, fileText]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([fileText], fileName, {type: "text/csv"}));
            return transfer;
        },
        [name, text]
    );
    await page.dispatchEvent(".o_chaser_file_drop_field", "dragenter", {
        dataTransfer: data,
    });
    await page.waitForSelector(".o_chaser_file_drop");
    await page.dispatchEvent(".o_chaser_file_drop", "drop", {dataTransfer: data});
    await page.waitForSelector(`.o_attachment:has-text("${name}")`);
}

run(async ({openPage}) => {
    for (const [tag, user, viewport] of [
        ["en", "mover", {width: 1440, height: 900}],
        ["ar", "arabic", {width: 1440, height: 900}],
        ["en-phone", "mover", {width: 390, height: 844}],
        ["ar-phone", "arabic", {width: 390, height: 844}],
    ]) {
        const isPhone = tag.includes("phone");
        const page = await openPage({viewport});
        await login(page, url, user);
        await page.goto(`${url}/odoo/action-invoice_chaser.chaser_import_action/new`);
        await page.waitForSelector(".o_chaser_file_drop_field");
        await shoot(page, `movein-empty-${tag}`);
        // Each finds other people than the one before.
        await drop(page, "contacts.csv", content.replaceAll("shop", `shop-${tag}-`));
        if (isPhone) {
            console.log(`${tag} overflow:`, await getOverflow(page));
            await shoot(page, `movein-${tag}`);
            continue;
        }
        await page.click("button[name=action_check]");
        await page.waitForSelector(".o_field_progressbar");
        // The job may be done before the page looks again.
        console.log(
            `${tag} bar:`,
            await eventually(
                async () =>
                    (await page.locator(".o_field_progressbar").allInnerTexts())[0] ||
                    "done",
                (text) => /[1-9١-٩]|done/.test(text)
            )
        );
        await shoot(page, `movein-progress-${tag}`);
        await page.waitForSelector("button[name=action_import]:visible", {
            timeout: 300000,
        });
        console.log(`${tag} checked: 1`);
        await shoot(page, `movein-checked-${tag}`);
        await page.click("button[name=action_view_lines]:visible");
        // The form has a list, too.
        await page.waitForSelector(".o_form_view", {state: "detached"});
        await page.waitForSelector(".o_list_view .o_data_row");
        await shoot(page, `movein-lines-${tag}`);
        await page
            .locator(".o_breadcrumb .breadcrumb-item a, .o_breadcrumb .o_back_button")
            .last()
            .click();
        await page.waitForSelector("button[name=action_import]:visible");
        await page.click("button[name=action_import]:visible");
        await page.waitForSelector(
            ".o_statusbar_status .o_arrow_button_current[data-value=done]",
            {timeout: 300000}
        );
        console.log(`${tag} imported: done`);
        console.log(`${tag} overflow:`, await getOverflow(page));
        await shoot(page, `movein-done-${tag}`);
    }
});
