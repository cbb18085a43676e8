// Takes a picture of each HTML file of a folder, 800 and 390 px wide, light and dark: node dev/evidence.js FOLDER. Started by dev/evidence.
const fs = require("fs");
const path = require("path");
const {launch} = require("../tests/support/browser.js");
const folder = process.argv[2];

(async () => {
    const browser = await launch();
    for (const width of [800, 600, 390])
        for (const colorScheme of ["light", "dark"]) {
            const context = await browser.newContext({
                viewport: {width, height: 600},
                colorScheme,
                offline: true,
            });
            const page = await context.newPage();
            for (const file of fs
                .readdirSync(folder)
                .filter((name) => name.endsWith(".html"))) {
                await page.goto("file://" + path.join(folder, file), {
                    waitUntil: "domcontentloaded",
                });
                const wide = await page.evaluate(
                    () => document.documentElement.scrollWidth
                );
                // Content wider than the 600 px of the message would be cut or need scrolling in a mail program's reading pane.
                const sheet = await page.evaluate(
                    () => document.querySelector("table.sheet")?.offsetWidth || 0
                );
                if (sheet > Math.min(600, width)) {
                    console.error(
                        `${file}: the sheet is ${sheet} px wide on a screen of ${width}`
                    );
                    process.exitCode = 1;
                }
                if (wide > width) {
                    console.error(`${file} is ${wide} px wide on a screen of ${width}`);
                    process.exitCode = 1;
                }
                if (width !== 600)
                    await page.screenshot({
                        path: path.join(
                            folder,
                            file.replace(".html", `-${width}-${colorScheme}.png`)
                        ),
                        fullPage: true,
                    });
            }
            await context.close();
        }
    await browser.close();
})();
