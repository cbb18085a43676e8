// Looks at the overview: its figures as charts and tables, filters that stay in the address, a click to the records. node overview.js URL
const {eventually, getOverflow, login, run} = require("../support/browser.js");

async function openOverview(page, url) {
    await page.goto(`${url}/odoo/chaser-overview`);
    await page.waitForSelector(".o_chaser_tile");
}

run(async ({openPage}) => {
    const url = process.argv[2];
    for (const [tag, user, viewport] of [
        ["en", "accountant", {width: 1440, height: 900}],
        ["ar", "arabic", {width: 1440, height: 900}],
        ["en-phone", "accountant", {width: 390, height: 844}],
        ["ar-phone", "arabic", {width: 390, height: 844}],
    ]) {
        const page = await openPage({viewport});
        await login(page, url, user);
        await openOverview(page, url);
        console.log(`${tag} overflow:`, await getOverflow(page));
        if (tag.includes("phone")) {
            continue;
        }
        const direction = await page.evaluate(
            () =>
                getComputedStyle(document.querySelector(".o_chaser_overview")).direction
        );
        console.log(`${tag} direction:`, direction);
        console.log(`${tag} heading:`, await page.innerText("#chaser_ageing"));
        // Each chart has its figures as a table.
        const charts = await page.locator(".o_chaser_chart canvas").count();
        const tables = await page.locator(".o_chaser_table table").count();
        console.log(`${tag} tables:`, charts > 2 && charts === tables);
        const isReversed = await page.evaluate(() => {
            const canvas = document.querySelector(".o_chaser_chart canvas");
            return window.Chart.getChart(canvas).options.scales.x.reverse;
        });
        console.log(`${tag} axis:`, isReversed ? "reversed" : "plain");
        await page.selectOption("select[name=period]", "12");
        await eventually(() => page.url(), "period=12");
        await page.reload();
        await page.waitForSelector(".o_chaser_tile");
        console.log(
            `${tag} filter kept:`,
            await page.inputValue("select[name=period]")
        );
        await page.click("[data-figure=overdue]");
        await page.waitForSelector(".o_list_view .o_data_row");
        console.log(
            `${tag} items:`,
            (await page.locator(".o_list_view .o_data_row").count()) > 5
        );
        await page.goBack();
        await page.waitForSelector(".o_chaser_tile");
        // Odoo's own graph in our reports.
        await page.goto(`${url}/odoo/chaser-receivables`);
        await page.waitForSelector(".o_chaser_graph_table tbody tr", {
            state: "attached",
        });
        const graph = await page.evaluate(() => {
            const canvas = document.querySelector(".o_graph_renderer canvas");
            return window.Chart.getChart(canvas).options.scales;
        });
        console.log(
            `${tag} graph:`,
            `${graph.x.reverse ? "reversed" : "plain"}, ${graph.y.position || "left"}`
        );
    }
});
