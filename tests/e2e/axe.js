// Accessibility by axe-core (WCAG 2.1 A and AA): public pages whole, screens of the backend as far as they are ours. node axe.js URL PAGE STOP
const path = require("path");
const {login, run} = require("../support/browser.js");

const AXE = path.join(process.env.CHASER_NODE, "node_modules/axe-core/axe.min.js");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
const SCREENS = [
    "overview",
    "worklist",
    "campaign",
    "reminder",
    "answer",
    "promise",
    "hold",
    "suppression",
    "event",
    "provider",
    "template",
    "policy",
    "level",
    "setup",
];
/** What Odoo's own parts draw on every screen of every addon: searching, choosing rows, pagers, avatars, its inputs without labels in lists. */
const ODOO = [
    ".o_searchview",
    ".o_control_panel",
    ".o_list_record_selector",
    ".o_optional_columns_dropdown",
    ".o_handle_cell",
    ".o_avatar",
    ".o_m2o_avatar",
    ".o-mail-Chatter",
    ".o_statusbar_status",
    ".o_field_many2one_selection",
    ".o_field_many2many_tags",
    ".o_progressbar",
    ".o_kanban_record .o_field_progressbar",
];

async function scan(page, exclude = []) {
    await page.addScriptTag({path: AXE});
    return page.evaluate(
        async ([tags, out]) => {
            // axe is what the script before has put into the page.
            const found = await window.axe.run(
                {include: [["body"]], exclude: out.map((one) => [one])},
                {runOnly: tags, resultTypes: ["violations"]}
            );
            return found.violations.flatMap((rule) =>
                rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}`)
            );
        },
        [TAGS, exclude]
    );
}

function report(name, found) {
    console.log(`${name}: ${found.length} violations`);
    for (const one of found.slice(0, 12)) console.log(`  ${one}`);
}

run(async ({openPage}) => {
    const [url, page_path, stop_path, ...only] = process.argv.slice(2);
    for (const lang of page_path ? ["en", "ar"] : []) {
        for (const width of [390, 1366]) {
            const page = await openPage({
                viewport: {width, height: 844},
                bypassCSP: true,
            });
            for (const [name, target] of [
                ["page", `${page_path}?lang=${lang}`],
                ["stop", stop_path],
                ["invalid", "/chaser/p/AAAAAAAAAAAAAAAAAAAAAA"],
            ]) {
                await page.goto(url + target);
                report(`${name} ${lang} ${width}`, await scan(page));
            }
            await page.context().close();
        }
    }
    for (const [lang, user] of [
        ["en", "accountant"],
        ["ar", "arabic"],
    ]) {
        const page = await openPage({viewport: {width: 1366, height: 768}});
        await login(page, url, user);
        for (const screen of SCREENS) {
            if (only.length && !only.includes(screen)) continue;
            await page.goto(
                `${url}/odoo/action-invoice_chaser.chaser_${screen}_action`
            );
            await page.waitForSelector(
                ".o_data_row, .o_kanban_record, .o_nocontent_help, .o_view_nocontent, .o_chaser_tile, .o_chaser_setup"
            );
            report(
                `${screen} ${lang}`,
                (await scan(page, ODOO)).filter(
                    (one) => !/o_navbar|o_main_navbar|o_menu/.test(one)
                )
            );
        }
        await page.context().close();
    }
});
