// Accessibility of the public pages by axe-core (WCAG 2.1 A and AA), phone and desk. node axe.js URL PAGE
const path = require("path");
const {run} = require("../support/browser.js");

const AXE = path.join(process.env.CHASER_NODE, "node_modules/axe-core/axe.min.js");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];

async function scan(page) {
    await page.addScriptTag({path: AXE});
    return page.evaluate(async (tags) => {
        // axe is what the script before has put into the page.
        const found = await window.axe.run(document, {runOnly: tags});
        return found.violations.flatMap((rule) =>
            rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}`)
        );
    }, TAGS);
}

run(async ({openPage}) => {
    const [url, target] = process.argv.slice(2);
    for (const lang of ["en", "ar"]) {
        for (const width of [390, 1366]) {
            const page = await openPage({
                viewport: {width, height: 844},
                // The page's own policy lets nobody in, axe included.
                bypassCSP: true,
            });
            await page.goto(`${url}${target}?lang=${lang}`);
            const pages = [
                ["page", null],
                ["stop", await page.getAttribute("footer a", "href")],
                ["invalid", "/chaser/p/AAAAAAAAAAAAAAAAAAAAAA"],
            ];
            for (const [name, link] of pages) {
                if (link) await page.goto(url + link);
                const title = await page.title();
                const found = await scan(page);
                console.log(
                    `${name} ${lang} ${width} (${title}): ${found.length} violations`
                );
                for (const one of found) console.log(`  ${one}`);
            }
            await page.context().close();
        }
    }
});
