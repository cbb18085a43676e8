// A manager writes a letter in both languages: merge tags by mouse and keyboard, a mistake and its correction, the next version, the comparison,
// the preview in all its forms, a sample to themselves, export and import as one file. node templates.js URL TEMPLATE_ID CUSTOMER FOLDER
const fs = require("fs");
const path = require("path");
const {eventually, getOverflow, login, run} = require("../support/browser.js");

const [url, id, customer, folder] = process.argv.slice(2);
const FORM = `${url}/odoo/action-invoice_chaser.chaser_template_action/${id}`;
const squeeze = (text) => text.replace(/\s+/g, " ").trim();

/** Picks a merge tag with the picker that belongs to a field: by click, or by search and Enter. */
async function pick(page, field, tag, byKeyboard) {
    await page.click(`[name=${field}] .o_chaser_tag_button`);
    await page.waitForSelector(".o_chaser_tags input:focus");
    if (byKeyboard) {
        await page.keyboard.type(tag);
        await page.keyboard.press("Enter");
    } else {
        await page.click(`.o_chaser_tags [data-tag=${tag}]`);
    }
    await page.waitForSelector(".o_chaser_tags", {state: "detached"});
}

/** Puts the cursor where the given words end, in the editor of a field. */
async function placeCursor(page, field, words) {
    await page
        .locator(`[name=${field}] .odoo-editor-editable p`, {hasText: words})
        .first()
        .click();
    await page.evaluate(
        async ([name, text]) => {
            // The editor gets it by an event of a later turn, and draws in the next frame.
            const heard = (put) =>
                new Promise((resolve) => {
                    document.addEventListener(
                        "selectionchange",
                        () =>
                            requestAnimationFrame(() => requestAnimationFrame(resolve)),
                        {once: true}
                    );
                    getSelection().removeAllRanges();
                    put();
                });
            const walker = document.createTreeWalker(
                document.querySelector(`[name=${name}] .odoo-editor-editable`),
                NodeFilter.SHOW_TEXT
            );
            while (walker.nextNode()) {
                const at = walker.currentNode.data.indexOf(text);
                if (at >= 0)
                    return heard(() =>
                        getSelection().setBaseAndExtent(
                            walker.currentNode,
                            at + text.length,
                            walker.currentNode,
                            at + text.length
                        )
                    );
            }
            throw new Error(`“${text}” does not stand in ${name}`);
        },
        [field, words]
    );
}

/** Does something while the server's responses to changes in the form are delayed; goes on when the last of them has arrived and is drawn. */
async function whileAnswersWait(page, act) {
    const changes = /\/call_kw\/[^/]+\/onchange/;
    let open = 0;
    let release;
    const gate = new Promise((resolve) => (release = resolve));
    const began = (request) => (open += changes.test(request.url()) ? 1 : 0);
    const ended = (request) => (open -= changes.test(request.url()) ? 1 : 0);
    page.on("request", began);
    page.on("requestfinished", ended);
    await page.route(changes, async (route) => {
        await gate;
        await route.continue();
    });
    await act();
    await eventually(
        () => open,
        (count) => count > 0
    );
    release();
    // A response may be followed by the next change that waited for it.
    do {
        await eventually(
            () => open,
            (count) => count === 0
        );
        await page.evaluate(
            () =>
                new Promise((resolve) =>
                    requestAnimationFrame(() => requestAnimationFrame(resolve))
                )
        );
    } while (open);
    await page.unroute(changes);
    page.off("request", began);
    page.off("requestfinished", ended);
}

async function save(page) {
    await page.click(".o_form_button_save");
    await page.waitForSelector(".o_form_button_save", {state: "hidden"});
}

/** The source of a text, behind its switch; the chips are back afterwards. */
async function readSource(page, field) {
    const area = `[name=${field}] :is(input, textarea).o_input, [name=${field}] textarea`;
    await page.click(`[name=${field}] .o_chaser_source_button`);
    const source = await page.locator(area).first().inputValue();
    await page.click(`[name=${field}] .o_chaser_source_button`);
    await page.waitForSelector(`[name=${field}] .odoo-editor-editable`);
    return source;
}

/** Writes a subject as source. */
async function writeSubject(page, field, text) {
    await page.click(`[name=${field}] .o_chaser_source_button`);
    await page.fill(`[name=${field}] input.o_input`, text);
    await page.click(`[name=${field}] .o_chaser_source_button`);
    await page.waitForSelector(`[name=${field}] .odoo-editor-editable`);
}

const chips = (page, field) => page.locator(`[name=${field}] .o_chaser_chip`);

/** Both texts in both languages, as the server has them. */
function readStored(page) {
    return page.evaluate(async (template) => {
        const names = ["subject", "body_html", "other_subject", "other_body_html"];
        const response = await fetch("/web/dataset/call_kw/chaser.template/read", {
            method: "POST",
            headers: {"Content-Type": "application/json"},
            body: JSON.stringify({
                params: {
                    model: "chaser.template",
                    method: "read",
                    args: [[template], names],
                    kwargs: {},
                },
            }),
        });
        return (await response.json()).result[0];
    }, Number(id));
}

/** Opened, clicked into and saved with something else: no letter of a text is another. */
async function leaveAlone(page) {
    await page.goto(FORM);
    await page.waitForSelector("[name=body_html] .odoo-editor-editable");
    const before = await readStored(page);
    console.log(
        "chips:",
        await chips(page, "body_html")
            .first()
            .evaluate((chip) => getComputedStyle(chip, "::before").content)
    );
    await placeCursor(page, "body_html", "Kind regards,");
    await page.keyboard.press("ArrowLeft");
    // Beside the chips: a click on one that is more than a tag opens it.
    await page.click("[name=subject] .odoo-editor-editable", {position: {x: 2, y: 9}});
    await page.keyboard.press("End");
    await page.click("a.nav-link[name=text_ar]");
    await page.click("[name=other_body_html] .odoo-editor-editable p >> nth=1");
    await page.fill("[name=description] textarea", "For who is late");
    await save(page);
    console.log(
        "left alone:",
        JSON.stringify(before) === JSON.stringify(await readStored(page))
    );
}

async function write(page) {
    await page.click("a.nav-link[name=text]");
    const before = await readStored(page);
    await writeSubject(page, "subject", "Reminder for : please pay");
    await page.click("[name=subject] .odoo-editor-editable");
    await page.keyboard.press("Home");
    for (const _letter of "Reminder for ") await page.keyboard.press("ArrowRight");
    // Leaving the field for the picker sends the change to the server; the late response must not move the cursor.
    await whileAnswersWait(page, () => pick(page, "subject", "customer_name", false));
    await page.keyboard.type(" again");
    // What is typed as the template language has it becomes a chip, too; Enter makes no second line.
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await page.keyboard.type(" {{ total_due }} now");
    console.log(
        "subject chips:",
        await eventually(
            () => chips(page, "subject").count(),
            (count) => count === 2
        )
    );
    console.log("subject:", await readSource(page, "subject"));
    await placeCursor(page, "body_html", "Kind regards,");
    await page.keyboard.type(" Your number is ");
    await pick(page, "body_html", "customer_reference", true);
    // A chip goes in one piece, and comes back in one.
    const count = await chips(page, "body_html").count();
    await page.keyboard.press("Backspace");
    console.log("chips gone:", count - (await chips(page, "body_html").count()));
    await page.keyboard.press("Control+z");
    console.log("chips missing:", count - (await chips(page, "body_html").count()));
    await page.keyboard.type(" with us.");
    await page.screenshot({path: path.join(folder, "editor-en.png")});
    await changePlural(page);
    await writeArabic(page);
    await save(page);
    const after = await readStored(page);
    const wanted = {
        body_html: before.body_html
            .replace(
                "Kind regards,",
                "Kind regards, Your number is {{ customer_reference }} with us."
            )
            .replace(/one='[^']*'/, "one='what is below isn\\'t paid'"),
        other_body_html: before.other_body_html.replace(
            "تحية طيبة وبعد،",
            "تحية طيبة وبعد، رقمكم لدينا {{ customer_reference }}"
        ),
    };
    for (const [name, text] of Object.entries(wanted)) {
        console.log(`${name} to the letter:`, after[name] === text);
        if (after[name] !== text) console.log(after[name], "\n instead of \n", text);
    }
}

/** Words that change with a number are words, not a program. */
async function changePlural(page) {
    await page.locator("[name=body_html] .o_chaser_chip_plural").first().click();
    await page.fill(".modal input[name=one]", "what is below isn't paid");
    await page.screenshot({path: path.join(folder, "plural.png")});
    await page.click(".modal-footer .btn-primary");
    await page.waitForSelector(".modal", {state: "detached"});
}

async function writeArabic(page) {
    await page.click("a.nav-link[name=text_ar]");
    await page.waitForSelector("[name=other_body_html] .odoo-editor-editable");
    console.log(
        "arabic direction:",
        await page.getAttribute("[name=other_body_html] .odoo-editor-editable", "dir")
    );
    await writeSubject(page, "other_subject", "تذكير بالسداد إلى");
    await page.click("[name=other_subject] .odoo-editor-editable");
    await page.keyboard.press("End");
    await page.keyboard.type(" ");
    await pick(page, "other_subject", "customer_name", true);
    await placeCursor(page, "other_body_html", "تحية طيبة وبعد،");
    await page.keyboard.type(" رقمكم لدينا ");
    await pick(page, "other_body_html", "customer_reference", false);
    await page.screenshot({path: path.join(folder, "editor-ar.png")});
    console.log("arabic subject:", await readSource(page, "other_subject"));
}

async function mend(page) {
    await page.click("a.nav-link[name=text]");
    const good = await readSource(page, "subject");
    await writeSubject(page, "subject", `${good} {{ total_deu }}`);
    await page.click(".o_form_button_save");
    await page.waitForSelector(".modal .o_error_dialog, .modal-body");
    console.log("refused:", squeeze(await page.innerText(".modal-body")));
    await page.screenshot({path: path.join(folder, "refused.png")});
    await page.click(".modal-footer button");
    await page.waitForSelector(".modal", {state: "detached"});
    await writeSubject(page, "subject", good);
    await page.click(".o_form_button_cancel");
    await page.waitForSelector(".o_form_button_cancel", {state: "hidden"});
    console.log(
        "versions:",
        await eventually(
            () => page.innerText("button[name=action_view_versions]"),
            "2 Versions"
        )
    );
}

async function compare(page) {
    await page.click("button[name=action_compare]");
    await page.waitForSelector(".o_chaser_diff");
    for (const lang of ["en", "ar"]) {
        const changed = page.locator(
            `.o_chaser_diff [data-language=${lang}] .o_chaser_ins`
        );
        await changed.first().waitFor();
        console.log(
            `changed in ${lang}:`,
            squeeze((await changed.allInnerTexts()).join(" | "))
        );
    }
    await page.screenshot({path: path.join(folder, "compare.png")});
    await page.click(
        ".modal-footer button[special=cancel], .modal-footer .btn-primary"
    );
    await page.waitForSelector(".modal", {state: "detached"});
}

const frame = (page, language) =>
    page.frameLocator(`.o_chaser_template_preview [data-language=${language}] iframe`);

async function preview(page) {
    await page.click("a.nav-link[name=preview]");
    await page.waitForSelector(".o_chaser_template_preview iframe");
    // A frame is empty before it has its document.
    for (const [lang, dir] of [
        ["en", "ltr"],
        ["ar", "rtl"],
    ])
        await frame(page, lang)
            .locator(`html[dir=${dir}]`)
            .waitFor({state: "attached"});
    console.log(
        "side by side:",
        await page.locator(".o_chaser_template_preview iframe").count(),
        await frame(page, "en").locator("html").getAttribute("dir"),
        await frame(page, "ar").locator("html").getAttribute("dir")
    );
    console.log(
        "sample:",
        await eventually(
            () => frame(page, "en").locator("p").first().innerText(),
            "Dear"
        )
    );
    await page.fill("[name=preview_partner_id] input", customer);
    await page.click(`.o-autocomplete--dropdown-item:has-text("${customer}")`);
    await frame(page, "en").locator("p", {hasText: customer}).first().waitFor();
    const rows = await eventually(
        () => frame(page, "en").locator("tr[data-row], .items tbody tr").count(),
        (count) => count === 3
    );
    console.log(
        "real:",
        squeeze(await frame(page, "en").locator("p").first().innerText()),
        rows
    );
    await page.click("[data-view=both]");
    console.log(
        "both:",
        await eventually(
            () => frame(page, "both").locator("td.part").count(),
            (count) => count === 2
        )
    );
    for (const width of ["phone", "desktop"]) {
        await page.click(`[data-width=${width}]`);
        const isNarrow = async () =>
            (
                await page
                    .locator(".o_chaser_template_preview iframe")
                    .first()
                    .boundingBox()
            ).width < 400;
        console.log(
            `${width}:`,
            await eventually(isNarrow, (narrow) => narrow === (width === "phone"))
        );
    }
    await page.click("[data-part=text]");
    console.log(
        "text:",
        (
            await eventually(() => page.innerText(".o_chaser_mail_text"), "INV/")
        ).includes("INV/")
    );
    await page.click("[data-part=headers]");
    await page.waitForSelector(".o_chaser_headers th");
    console.log(
        "headers:",
        (await page.locator(".o_chaser_headers th").allInnerTexts()).join(", ")
    );
    await page.click("[data-part=html]");
    await page.click(".o_chaser_send_me");
    const notice = page.locator(".o_notification", {hasText: "Sample sent"});
    await notice.waitFor();
    console.log("sent:", squeeze(await notice.innerText()));
}

async function check(page) {
    await page.click("a.nav-link[name=text]");
    await writeSubject(page, "subject", "PLEASE PAY NOW {{ total_due }}");
    await page.click("a.nav-link[name=check]");
    await page.waitForSelector(".o_chaser_findings [data-code=subject_capitals]");
    console.log(
        "finding:",
        squeeze(await page.locator("[data-code=subject_capitals]").innerText())
    );
    await page.screenshot({path: path.join(folder, "findings.png")});
    await page.click(".o_form_button_cancel");
    await page.waitForSelector(".o_form_button_cancel", {state: "hidden"});
}

async function exportAndImport(page) {
    await page.goto(`${url}/odoo/action-invoice_chaser.chaser_template_action`);
    await page.waitForSelector(".o_data_row");
    await page.click("thead .o_list_record_selector input");
    const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.click("button[name=action_export]"),
    ]);
    const file = path.join(folder, download.suggestedFilename());
    await download.saveAs(file);
    const content = JSON.parse(fs.readFileSync(file, "utf8"));
    console.log("exported:", content.templates.length);
    content.templates[0].subject.en += " changed";
    content.templates.push({
        ...content.templates[1],
        key: "elsewhere-1",
        name: {en: "From elsewhere"},
        is_default: false,
    });
    fs.writeFileSync(file, JSON.stringify(content));
    await page.click("thead .o_list_record_selector input");
    await page.click(".o_control_panel button:has-text('Import')");
    await page.setInputFiles(".modal input[type=file]", file);
    await page.waitForSelector(
        ".modal [name=file] .fa-trash, .modal [name=file] .o_clear_file_button",
        {state: "attached"}
    );
    await page.click(".modal button[name=action_read]");
    await page.waitForSelector(".modal .o_data_row");
    for (const row of await page.locator(".modal .o_data_row").all()) {
        console.log(
            "row:",
            squeeze((await row.locator("td").allInnerTexts()).join(" "))
        );
    }
    await page.screenshot({path: path.join(folder, "import.png")});
    await page.click(".modal button[name=action_import]");
    await page.waitForSelector(".modal", {state: "detached"});
    // The list behind the window was there before, without what has come in.
    await page.locator(".o_data_row", {hasText: "From elsewhere"}).waitFor();
    console.log(
        "imported:",
        squeeze(
            (await page.locator(".o_data_row [name=name]").allInnerTexts()).join(" | ")
        )
    );
}

async function lookOnPhone(openPage) {
    const page = await login(
        await openPage({
            viewport: {width: 390, height: 844},
            isMobile: true,
            hasTouch: true,
        }),
        url,
        "accountant"
    );
    await page.goto(`${url}/odoo/action-invoice_chaser.chaser_template_action`);
    await page.waitForSelector(".o_kanban_record");
    console.log("phone list:", await getOverflow(page));
    await page.goto(FORM);
    await page.waitForSelector("[name=body_html] p");
    console.log("phone form:", await getOverflow(page));
}

run(async ({openPage}) => {
    const page = await login(await openPage(), url, "admin");
    for (const step of [
        leaveAlone,
        write,
        mend,
        compare,
        preview,
        check,
        exportAndImport,
    ]) {
        await step(page).catch(async (error) => {
            await page.screenshot({path: path.join(folder, `failed-${step.name}.png`)});
            throw error;
        });
    }
    await lookOnPhone(openPage);
});
