/** @type {import('prettier').Config} */
// The OCA template's settings. Beside the plugin's name, the cache folder of dev/setup.
const cache =
    process.env.CHASER_CACHE ||
    `${process.env.XDG_CACHE_HOME || `${process.env.HOME}/.cache`}/invoice_chaser`;

module.exports = {
    plugins: [
        require.resolve("@prettier/plugin-xml", {paths: [__dirname, `${cache}/node`]}),
    ],
    bracketSpacing: false,
    printWidth: 88,
    semi: true,
    tabWidth: 4,
    trailingComma: "es5",
    xmlWhitespaceSensitivity: "preserve",
};
