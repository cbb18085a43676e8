// What the browser scripts share: Chromium without a network of its own, a person who logs in, and pages whose errors fail the script.
const path = require("path");
const {chromium} = require(
    path.join(process.env.CHASER_NODE, "node_modules/playwright-core")
);

const ARGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
];

function launch() {
    return chromium.launch({
        executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
        args: ARGS,
    });
}

/** A page in a fresh context; errors of its scripts go into `errors`. */
async function openPage(browser, errors, options = {}) {
    const context = await browser.newContext({
        viewport: {width: 1440, height: 900},
        locale: "en-US",
        ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(Number(process.env.CHASER_WAIT || 90000));
    page.on("pageerror", (error) => errors.push(error.message));
    return page;
}

/** Logs in with a password that is the login, as all data of the tests and the demo have it. */
async function login(page, url, user) {
    await page.goto(`${url}/web/login`);
    await page.fill("input[name=login]", user);
    await page.fill("input[name=password]", user);
    await page.click("button[type=submit]");
    await page.waitForSelector(".o_main_navbar");
    return page;
}

/** Pixels by which the page is wider than its window: what a person would have to scroll sideways. */
function getOverflow(page) {
    return page.evaluate(
        () =>
            document.scrollingElement.scrollWidth - document.documentElement.clientWidth
    );
}

/**
 * What `read` gives once it is what is `wanted` (a text that stands in it, or a test), with single spaces; after a minute what it gives then, so that
 * the test shows what stood there instead. Reading is not waiting: a page shows what a click asked for a moment later.
 */
async function eventually(read, wanted) {
    const isWanted =
        typeof wanted === "function" ? wanted : (value) => value.includes(wanted);
    const end = Date.now() + 60000;
    for (;;) {
        let value = await read();
        if (typeof value === "string") value = value.replace(/\s+/g, " ").trim();
        if (Date.now() > end || isWanted(value)) return value;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

/** Runs a script with a browser; it fails when the script does, or when a page had an error. */
function run(script) {
    const errors = [];
    (async () => {
        const browser = await launch();
        try {
            await script({
                browser,
                errors,
                openPage: (options) => openPage(browser, errors, options),
            });
        } finally {
            await browser.close();
        }
        if (errors.length) throw new Error(errors.join("\n"));
    })().catch((error) => {
        console.error(error);
        process.exit(1);
    });
}

module.exports = {eventually, getOverflow, launch, login, openPage, run};
