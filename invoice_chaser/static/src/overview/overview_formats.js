import {_t} from "@web/core/l10n/translation";
import {formatCurrency, getCurrency} from "@web/core/currency";
import {formatFloat} from "@web/core/utils/numbers";

const {DateTime} = luxon;
/** What stands where a figure does not exist: never a nought, which would be one. */
export const NOTHING = "–";

export const BUCKETS = [
    "not_due",
    "days_1_30",
    "days_31_60",
    "days_61_90",
    "days_over_90",
];

export function getBucketLabel(name) {
    return {
        not_due: _t("Not due yet"),
        days_1_30: _t("1 to 30 days"),
        days_31_60: _t("31 to 60 days"),
        days_61_90: _t("61 to 90 days"),
        days_over_90: _t("Over 90 days"),
        credit: _t("Open credits"),
    }[name];
}

/** Figures and names keep their own direction within an Arabic sentence. */
export function isolate(text) {
    return `\u2068${text}\u2069`;
}

function isNothing(value) {
    return value === null || value === undefined || value === false;
}

export function formatAmount(value, currencyId) {
    return isNothing(value) ? NOTHING : isolate(formatCurrency(value, currencyId));
}

export function formatDays(value, isMore = false) {
    if (isNothing(value)) {
        return NOTHING;
    }
    const days = formatFloat(value, {digits: [16, 1]});
    return isMore ? _t("over %s days", days) : _t("%s days", days);
}

export function formatPercent(value) {
    return isNothing(value)
        ? NOTHING
        : isolate(`${formatFloat(value, {digits: [16, 1]})}\u00a0%`);
}

export function formatNumber(value) {
    return isNothing(value) ? NOTHING : formatFloat(value, {digits: [16, 0]});
}

/** Figures are written with the same digits everywhere, in Arabic, too. */
function parse(text) {
    return DateTime.fromISO(text).reconfigure({numberingSystem: "latn"});
}

/** A month by its name; of the running one, the day. */
export function formatMonth(text) {
    const day = parse(text);
    const isWhole = day.hasSame(day.endOf("month"), "day");
    return day.toFormat(isWhole ? "MMM yy" : "d MMM");
}

export function formatDay(text) {
    return text ? parse(text).toFormat("d MMM yyyy") : NOTHING;
}

export function getCurrencyName(currencyId) {
    return getCurrency(currencyId)?.name || String(currencyId);
}

export function formatHours(value) {
    return isNothing(value) ? NOTHING : formatFloat(value, {digits: [16, 1]});
}

/** Of several companies, from the smallest to the largest. */
export function formatMinutes(values) {
    const texts = [Math.min(...values), Math.max(...values)].map((value) =>
        formatFloat(value, {digits: [16, 1]})
    );
    return isolate([...new Set(texts)].join(" – "));
}

export function formatShortDay(text) {
    return parse(text).toFormat("d MMM");
}

/** By number, Monday is 1. */
export function getWeekdays() {
    return {
        1: _t("Monday"),
        2: _t("Tuesday"),
        3: _t("Wednesday"),
        4: _t("Thursday"),
        5: _t("Friday"),
        6: _t("Saturday"),
        7: _t("Sunday"),
    };
}
