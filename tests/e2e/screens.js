// All screens of the app's menu and the first record of each: nothing of ours keeps anybody out (axe-core, WCAG 2.1 A and AA), nothing has to be
// scrolled sideways, and nothing is said on the browser's console. node screens.js URL USER WIDTH [FOLDER]
const path = require("path");
const {getOverflow, login, run} = require("../support/browser.js");

const AXE = path.join(process.env.CHASER_NODE, "node_modules/axe-core/axe.min.js");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
// What Odoo draws on every screen of every addon; we cannot give it other names or colours.
const FRAME = [
    // Searching, pagers, views, breadcrumbs, the menu above, notebooks' tabs.
    ".o_main_navbar, .o_control_panel, .o_searchview, .o_notebook_headers",
    // Choosing rows and columns, moving rows, groups.
    ".o_list_record_selector, .o_list_actions_header, .o_optional_columns_dropdown, .o_handle_cell, .o_group_name",
    // Odoo's own widgets: inputs, boxes and menus without names, pictures of people, tags, chatter, the bar of states, buttons that copy.
    ".o_field_many2one, .o_field_many2many_tags, .o_field_many2one_avatar_user, .o_field_selection, .o_select_menu_toggler",
    ".o-checkbox, .o_field_statusbar, .o_field_progressbar, .o_field_list_activity, .o_field_contact_statistics, .o-dropdown",
    ".o_field_many2many_binary, .o-mail-Form-chatter, .o_clipboard_button, .o_avatar, .o_m2o_avatar, .o_field_translate",
    // The colours of Odoo's theme: muted words, badges, rows that a decoration mutes.
    ".text-muted, .badge, tr.text-muted, .o_field_badge",
    // The settings of Invoicing hold those of Odoo as well.
    ".o_setting_box:not([id^=chaser]), .settings_tab",
].flatMap((line) => line.split(", "));
// Screens of Odoo that our menu leads to, and a download.
const FOREIGN = ["chaser_customer_menu", "chaser_calendar_menu", "chaser_export_menu"];

const SHOWN = [
    ".o_data_row",
    ".o_kanban_record:not(.o_kanban_ghost)",
    ".o_view_nocontent",
    ".o_form_view .o_field_widget",
    ".o_graph_renderer canvas",
    ".o_calendar_container",
    ".o_chaser_tile",
    ".o_list_table",
    ".modal .o_field_widget",
    ".o_chaser_setup",
].join(", ");

const [url, user, width, folder] = process.argv.slice(2);

async function scan(page) {
    await page.addScriptTag({path: AXE});
    return page.evaluate(
        async ([tags, frame]) => {
            // axe is what the script before has put into the page.
            const found = await window.axe.run(
                {
                    include: [[".o_action_manager"]],
                    exclude: frame.map((one) => [one]),
                },
                {runOnly: tags, resultTypes: ["violations"]}
            );
            return found.violations.flatMap((rule) =>
                rule.nodes.map(
                    (node) =>
                        `${rule.id}: ${node.target.join(" ")} ${node.html.slice(0, 160)}`
                )
            );
        },
        [TAGS, FRAME]
    );
}

async function report(page, name) {
    // What was asked for is there, and drawn.
    await page.waitForSelector(SHOWN);
    await page.waitForSelector(".o_loading_indicator", {state: "detached"});
    // What keeps people out is the same at every width and in both languages.
    const found = Number(width) < 600 ? [] : await scan(page);
    console.log(
        `${name}: ${await getOverflow(page)} pixels too wide, ${found.length} violations`
    );
    for (const one of found.slice(0, 8)) console.log(`  ${one.replace(/\s+/g, " ")}`);
    if (folder) {
        await page.screenshot({
            path: path.join(folder, `${name}-${user}-${width}.png`),
        });
    }
}

run(async ({openPage}) => {
    const isPhone = Number(width) < 600;
    const page = await openPage({
        viewport: {width: Number(width), height: isPhone ? 844 : 768},
        ...(isPhone ? {isMobile: true, hasTouch: true} : {}),
    });
    let name = "login";
    page.on("console", (message) => {
        if (message.type() === "warning" || message.type() === "error") {
            console.log(`CONSOLE ${name}: ${message.text().slice(0, 200)}`);
        }
    });
    await login(page, url, user);
    const menus = await page.evaluate(async () =>
        (await fetch("/web/webclient/load_menus")).json()
    );
    const ours = Object.values(menus).filter(
        (menu) => menu.xmlid && menu.xmlid.startsWith("invoice_chaser") && menu.actionID
    );
    for (const menu of ours) {
        name = menu.xmlid.split(".")[1];
        if (FOREIGN.includes(name)) continue;
        if (process.env.CHASER_ONLY && !name.match(process.env.CHASER_ONLY)) continue;
        await page.goto(`${url}/odoo/action-${menu.actionID}`);
        await report(page, name);
        const record = page
            .locator(
                ".o_list_view .o_data_row .o_data_cell:not(.o_handle_cell):not(.o_list_button), .o_kanban_renderer .o_kanban_record:not(.o_kanban_ghost)"
            )
            .first();
        const isOurs = await page.evaluate(
            () => !document.querySelector(".o_view_sample_data, .o_view_nocontent")
        );
        if (isOurs && (await record.count())) {
            const from = page.url();
            await record.click();
            name += " form";
            const form = await page
                .waitForSelector(".o_form_view", {timeout: 5000})
                .catch(() => null);
            if (form && page.url() !== from) await report(page, name);
        }
    }
});
