// A customer answers on their page, in Arabic on a phone; then the accountant looks. node customer_answers.js URL PAGE_PATH DAY FILE [FOLDER]
const path = require("path");
const {eventually, getOverflow, login, run} = require("../support/browser.js");

run(async ({errors, openPage}) => {
    const [url, pagePath, day, file, folder] = process.argv.slice(2);
    const page = await openPage({
        viewport: {width: 390, height: 844},
        isMobile: true,
        hasTouch: true,
    });
    const foreign = [];
    page.on(
        "console",
        (message) =>
            message.type() === "error" &&
            !message.text().includes("favicon") &&
            errors.push(message.text())
    );
    page.on(
        "request",
        (request) => request.url().startsWith(url) || foreign.push(request.url())
    );
    const shoot = (name) =>
        folder &&
        page.screenshot({path: path.join(folder, `${name}.png`), fullPage: true});
    const submit = async (action, expected) => {
        await page.click(`section#${action} button`);
        // The page with the answer before may still be shown.
        await page.locator(".done", {hasText: expected}).waitFor();
        console.log("said", action);
    };
    await page.goto(`${url}${pagePath}`);
    console.log(
        "page",
        await page.getAttribute("html", "lang"),
        await page.getAttribute("html", "dir")
    );
    const overflow = await getOverflow(page);
    if (overflow > 0)
        throw new Error(`the page is ${overflow} px too wide for a phone of 390`);
    await shoot("page-ar-phone");
    await page.click("section#dispute > a");
    await page.check("section#dispute input[value='2']");
    await page.fill("section#dispute textarea", "وصلت البضاعة تالفة");
    await page.fill("section#dispute input[name=name]", "عمر حداد");
    await shoot("dispute-ar-phone");
    await submit("dispute", "سنراجع الأمر");
    await page.click("section#promise > a");
    await page.fill("section#promise input[type=date]", day);
    await shoot("promise-ar-phone");
    await submit("promise", "لقد سجّلنا التاريخ");
    await page.click("section#paid > a");
    await page.fill("section#paid input[name=reference]", "حوالة رقم 4711");
    await page.setInputFiles("section#paid input[type=file]", file);
    await submit("paid", "سنتحقق من سدادكم");
    await page.reload();
    await shoot("answered-ar-phone");
    if ((await page.context().cookies()).length)
        throw new Error("the page has set a cookie");
    if (foreign.length) throw new Error(`asked elsewhere: ${foreign}`);

    const office = await login(await openPage(), url, "accountant");
    await office.goto(`${url}/odoo/action-invoice_chaser.chaser_answer_action`);
    await office.waitForSelector(".o_data_row");
    if (folder)
        await office.screenshot({path: path.join(folder, "answers-office.png")});
    console.log(
        "rows",
        await eventually(
            () => office.locator(".o_data_row").count(),
            (count) => count === 3
        )
    );
    await office
        .locator(".o_data_row", {hasText: "4711"})
        .locator("button[name=action_view_record]")
        .click();
    await office.waitForSelector(".o_form_view button[name=action_release]");
    await office.waitForSelector(
        ".o-mail-AttachmentList, .o-mail-AttachmentCard, .o-mail-AttachmentContainer"
    );
    if (folder) await office.screenshot({path: path.join(folder, "hold-office.png")});
    console.log(
        "hold",
        (await office.innerText(".o_form_view .alert")).replace(/\s+/g, " ")
    );
    await office.click("button[name=action_release]");
    await office.waitForSelector("button[name=action_release]", {state: "hidden"});
    console.log("released");
});
