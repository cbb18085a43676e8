import {Component, onMounted, onWillStart, useState} from "@odoo/owl";
import {loadBundle} from "@web/core/assets";
import {router} from "@web/core/browser/router";
import {_t} from "@web/core/l10n/translation";
import {RecordSelector} from "@web/core/record_selectors/record_selector";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {Layout} from "@web/search/layout";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";
import {COLORS, OverviewChart} from "./overview_chart";
import * as formats from "./overview_formats";
import {SetupSteps} from "../setup/setup";

/** Filters as they stand in the address, so that a view of the page can be kept and sent. */
const KEYS = ["period", "company", "user", "tag"];

/** What is owed, what reminders bring, and what needs a person; every figure leads to its records. */
export class ChaserOverview extends Component {
    static template = "invoice_chaser.Overview";
    static components = {Layout, OverviewChart, RecordSelector, SetupSteps};
    static props = {...standardActionServiceProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.formats = formats;
        this.display = {controlPanel: {}};
        const kept = this.props.action.chaserFilters || router.current;
        this.state = useState({filters: this.pickFilters(kept), data: null});
        onWillStart(() => Promise.all([this.load(), loadBundle("web.chartjs_lib")]));
        onMounted(() => this.keepFilters());
    }

    pickFilters(source) {
        const filters = {};
        for (const key of KEYS) {
            const value = Number(source[key]);
            filters[key] = Number.isInteger(value) && value > 0 ? value : false;
        }
        return filters;
    }

    async load() {
        this.state.data = await this.orm.call("chaser.overview", "read_overview", [
            this.state.filters,
        ]);
        this.state.filters.period = this.state.data.filters.period;
    }

    keepFilters() {
        // The action is kept in the breadcrumbs: coming back finds the same filters.
        this.props.action.chaserFilters = {...this.state.filters};
        this.props.updateActionState({...this.state.filters});
    }

    async setFilter(name, value) {
        this.state.filters[name] = Number(value) || false;
        await this.load();
        this.keepFilters();
    }

    async askWeekly(wanted) {
        this.state.data.weekly = await this.orm.call(
            "digest.digest",
            "chaser_ask_weekly",
            [wanted]
        );
    }

    /** The records behind a figure. */
    async open(name, key) {
        const action = await this.orm.call("chaser.overview.link", "open_figure", [
            name,
            key,
            this.state.filters,
        ]);
        if (action) {
            await this.action.doAction(action);
        }
    }

    // -- what the template asks for

    get data() {
        return this.state.data;
    }

    get now() {
        return this.data.receivables.now;
    }

    get months() {
        return this.data.receivables.months;
    }

    get monthLabels() {
        return this.months.map((month) => formats.formatMonth(month.date));
    }

    get periods() {
        const names = {
            3: _t("3 months"),
            6: _t("6 months"),
            12: _t("12 months"),
            24: _t("24 months"),
        };
        return this.data.filters.periods.map((months) => [months, names[months]]);
    }

    amount(value, currencyId) {
        return formats.formatAmount(value, currencyId || this.data.currency_id);
    }

    get formatAmount() {
        return (value) => this.amount(value);
    }

    get formatDays() {
        return (value) => formats.formatDays(value);
    }

    get tiles() {
        const {now} = this;
        const {period} = this.data.receivables;
        return [
            {
                key: "overdue",
                label: _t("Overdue"),
                value: this.amount(now.overdue),
                note: _t("%(share)s of %(open)s open", {
                    share: formats.formatPercent(now.overdue_share),
                    open: this.amount(now.open),
                }),
                open: () => this.open("items", "overdue"),
            },
            {
                key: "over_60",
                label: _t("Overdue for more than 60 days"),
                value: this.amount(now.over_60),
                note: _t(
                    "What is overdue is late by %s",
                    formats.formatDays(now.open_late_by)
                ),
                open: () => this.open("items", "over_60"),
            },
            {
                key: "dso",
                label: _t("Days sales outstanding"),
                value: formats.formatDays(now.dso, now.dso_is_more),
                note: _t("Best possible: %s", formats.formatDays(now.best_dso)),
                open: () => this.open("items", "open"),
            },
            {
                key: "late",
                label: _t("Paid late by"),
                value: formats.formatDays(period.paid_late_by),
                note: _t("Weighted by amount, %s received", this.amount(period.paid)),
                open: () => this.open("payments"),
            },
            {
                key: "effectiveness",
                label: _t("Collection effectiveness"),
                value: formats.formatPercent(period.effectiveness),
                note: _t("Of what could be collected in the period"),
                open: () => this.open("payments"),
            },
        ];
    }

    get withoutRateNote() {
        return _t(
            "No exchange rate is known for %s; companies with this currency are in no total.",
            formats.isolate(this.data.without_rate.join(", "))
        );
    }

    get inPaymentNote() {
        return _t(
            "For %s of this, a payment is registered that is not yet matched with the bank.",
            this.amount(this.now.in_payment)
        );
    }

    get ageingSeries() {
        return [...formats.BUCKETS, "credit"].map((name) => ({
            key: name,
            label: formats.getBucketLabel(name),
            color: COLORS[name],
            values: this.months.map((month) =>
                name === "credit" ? month.credit : month.buckets[name]
            ),
        }));
    }

    get bucketRows() {
        return [...formats.BUCKETS, "credit"].map((name) => ({
            name,
            label: formats.getBucketLabel(name),
            color: COLORS[name],
            total: name === "credit" ? this.now.credit : this.now.buckets[name],
            currencies: this.data.receivables.by_currency.map((row) => ({
                id: row.currency_id,
                open: () => this.open("items", [name, row.currency_id]),
                text: this.amount(row[name] || 0, row.currency_id),
            })),
        }));
    }

    get currencyIds() {
        return this.data.receivables.by_currency.map((row) => row.currency_id);
    }

    getCurrencyName(currencyId) {
        return formats.getCurrencyName(currencyId);
    }

    get dsoSeries() {
        return [
            {
                key: "dso",
                label: _t("Days sales outstanding"),
                color: COLORS.first,
                values: this.months.map((month) => month.dso),
            },
            {
                key: "best_dso",
                label: _t("Best possible"),
                color: COLORS.third,
                dashed: true,
                values: this.months.map((month) => month.best_dso),
            },
            {
                key: "paid_late_by",
                label: _t("Paid late by"),
                color: COLORS.second,
                values: this.months.map((month) => month.paid_late_by),
            },
        ];
    }

    get moneySeries() {
        return [
            {
                key: "paid",
                label: _t("Paid"),
                color: COLORS.third,
                values: this.months.map((month) => month.paid),
            },
            {
                key: "credited",
                label: _t("Credited"),
                color: COLORS.credit,
                values: this.months.map((month) => month.credited),
            },
            {
                key: "written_off",
                label: _t("Written off or netted"),
                color: COLORS.fourth,
                values: this.months.map((month) => month.written_off),
            },
        ];
    }

    get rollColumns() {
        return [
            ["due", _t("Fell due, then overdue")],
            ["one", _t("First to second month")],
            ["two", _t("Second to third month")],
            ["three", _t("Third to fourth month")],
        ];
    }

    get rollRows() {
        const {months, all} = this.data.receivables.rolls;
        const rows = months.map((month) => ({
            ...month,
            label: formats.formatMonth(month.date),
        }));
        return [...rows, {...all, date: "all", label: _t("All months")}];
    }

    // -- reminders

    get reminders() {
        return this.data.reminders;
    }

    get reminderTiles() {
        const {reminders} = this;
        const tiles = reminders.windows.map((one) => ({
            key: `collected_${one.days}`,
            label: {
                7: _t("Paid within 7 days of a reminder"),
                14: _t("Paid within 14 days of a reminder"),
                30: _t("Paid within 30 days of a reminder"),
            }[one.days],
            value: this.amount(one.collected),
            note:
                one.share === null
                    ? _t("Too early to tell")
                    : _t("%s of what was asked for", formats.formatPercent(one.share)),
            open: () => this.open("reminders"),
        }));
        return [
            ...tiles,
            {
                key: "saved",
                label: _t("Messages saved"),
                value: formats.formatNumber(reminders.saved),
                note: _t("%(sent)s messages for %(moves)s invoices", {
                    sent: formats.formatNumber(reminders.sent),
                    moves: formats.formatNumber(reminders.moves),
                }),
                open: () => this.open("reminders"),
            },
            {
                key: "hours",
                label: _t("Hours saved"),
                value: formats.formatHours(reminders.hours_saved),
                note: _t(
                    "At %s minutes per invoice by hand",
                    formats.formatMinutes(reminders.minutes)
                ),
                open: () => this.open("reminders"),
            },
        ];
    }

    get languageNames() {
        return {
            en: _t("English"),
            ar: _t("Arabic"),
            both: _t("Arabic and English"),
        };
    }

    get reminderGroups() {
        const {by_level, by_language, by_channel} = this.reminders;
        const named = (rows, names) =>
            rows.map((row) => ({...row, name: names[row.key] || row.key || "–"}));
        return [
            {
                key: "level",
                title: _t("Level"),
                rows: by_level.map((row) => ({
                    ...row,
                    key: row.id,
                    name: row.name || _t("No level"),
                })),
            },
            {
                key: "language",
                title: _t("Language"),
                rows: named(by_language, this.languageNames),
            },
            {
                key: "channel",
                title: _t("Channel"),
                rows: by_channel,
            },
        ];
    }

    describeHits(row) {
        if (!row.ripe) {
            return formats.NOTHING;
        }
        return _t("%(share)s: %(hits)s of %(number)s, between %(low)s and %(high)s", {
            share: formats.formatPercent(row.hit_share),
            hits: formats.formatNumber(row.hits),
            number: formats.formatNumber(row.ripe),
            low: formats.formatPercent(row.hit_low),
            high: formats.formatPercent(row.hit_high),
        });
    }

    getCollected(row) {
        return this.amount(row.windows.find((one) => one.days === 14).collected);
    }

    getAskedShare(row) {
        return formats.formatPercent(row.windows.find((one) => one.days === 14).share);
    }

    openGroup(group, row) {
        return this.open(group.key === "channel" ? "channel" : "reminders", row.key);
    }

    get eventLabels() {
        return this.data.events.series.map((one) => formats.formatDay(one.date));
    }

    get eventSeries() {
        const names = {
            sent: [_t("Sent"), COLORS.first],
            opened: [_t("Opened"), COLORS.third],
            clicked: [_t("Clicked"), COLORS.second],
            replied: [_t("Answered"), COLORS.credit],
            bounced: [_t("Bounced"), COLORS.fourth],
        };
        return Object.entries(names).map(([key, [label, color]]) => ({
            key,
            label,
            color,
            values: this.data.events.series.map((one) => one[key]),
        }));
    }

    get machinesNote() {
        const {opened, clicked} = this.data.events.machines;
        return _t(
            "People only. Machines opened %(opened)s and clicked in %(clicked)s messages more.",
            {
                opened: formats.formatNumber(opened),
                clicked: formats.formatNumber(clicked),
            }
        );
    }

    openEvents(series) {
        return series.key === "sent"
            ? this.open("reminders")
            : this.open("events", series.key);
    }

    // -- the measured effect

    get effect() {
        return this.data.effect;
    }

    describeInterval(part, format) {
        return _t("%(value)s, between %(low)s and %(high)s", {
            value: format(part.value),
            low: format(part.low),
            high: format(part.high),
        });
    }

    get effectLines() {
        const {days, points, money} = this.effect;
        return [
            [
                _t("The money comes earlier by"),
                this.describeInterval(days, this.formatDays),
            ],
            [
                _t("More of it is paid within 14 days, by"),
                this.describeInterval(points, formats.formatPercent),
            ],
            [
                _t("Of what was asked for, that is"),
                this.describeInterval(money, this.formatAmount),
            ],
        ];
    }

    get effectNote() {
        const {number, needed, is_on} = this.effect;
        if (!is_on && !number) {
            return _t(
                "Nothing is measured yet. A company may let a random tenth of the reminders that are due wait for three days: see the settings."
            );
        }
        return _t(
            "Not enough data yet: %(number)s of about %(needed)s reminders that waited.",
            {
                number: formats.formatNumber(number),
                needed: formats.formatNumber(needed),
            }
        );
    }

    // -- cash to come

    get cashLabels() {
        return this.data.cash.weeks.map((week) => formats.formatShortDay(week.date));
    }

    get cashSeries() {
        return [
            {
                key: "cash",
                label: _t("Expected"),
                color: COLORS.third,
                values: this.data.cash.weeks.map((week) => week.amount),
            },
        ];
    }

    get cashNote() {
        const {is_enough, error, simple_error} = this.data.cash;
        if (!is_enough || error === null) {
            return _t(
                "There is too little history to say how right this is: a few months with payments are needed."
            );
        }
        const values = {
            error: formats.formatPercent(error),
            simple: formats.formatPercent(simple_error),
        };
        return error < simple_error
            ? _t(
                  "On the last months, such forecasts missed %(error)s of the money, week by week; the due date plus the average delay would have missed %(simple)s.",
                  values
              )
            : _t(
                  "On the last months, such forecasts missed %(error)s of the money, week by week. The due date plus the average delay was no worse: %(simple)s.",
                  values
              );
    }

    // -- promises, disputes, what runs and what waits

    get promiseRows() {
        const names = {
            kept: _t("Kept"),
            partly: _t("Partly kept"),
            broken: _t("Broken"),
            open: _t("Open"),
        };
        return Object.entries(names).map(([key, label]) => ({
            key,
            label,
            ...this.data.promises[key],
        }));
    }

    get promiseNote() {
        const {kept_share, kept_amount_share} = this.data.promises;
        return _t("Kept: %(number)s of the promises, %(amount)s of the amount.", {
            number: formats.formatPercent(kept_share),
            amount: formats.formatPercent(kept_amount_share),
        });
    }

    get disputeNote() {
        return _t(
            "%s of what was invoiced in the period is disputed.",
            formats.formatPercent(this.data.disputes.share)
        );
    }

    get needRows() {
        const names = {
            undecided: [_t("Delivery unknown"), _t("Settle")],
            mailboxes: [_t("Mailboxes without authorisation"), _t("Connect")],
            answers: [_t("Answers of customers"), _t("Read")],
            unmatched: [_t("Incoming mail without a customer"), _t("Assign")],
            maybe_paid: [_t("Maybe paid"), _t("Compare")],
            broken: [_t("Broken promises of the last 30 days"), _t("Look")],
            approvals: [_t("Campaigns that wait for approval"), _t("Approve")],
            stopped: [_t("Customers whose every address is stopped"), _t("Look")],
        };
        return this.data.needs.map((one) => ({
            ...one,
            label: names[one.kind][0],
            button: names[one.kind][1],
        }));
    }

    get campaignStates() {
        return {
            scheduled: _t("Scheduled"),
            sending: _t("Sending"),
            paused: _t("Paused"),
        };
    }

    describeCampaign(campaign) {
        return _t("%(done)s of %(total)s", {
            done: formats.formatNumber(campaign.sent + campaign.failed),
            total: formats.formatNumber(campaign.total),
        });
    }

    getProgress(campaign) {
        const done = campaign.sent + campaign.failed;
        return campaign.total ? Math.round((100 * done) / campaign.total) : 0;
    }

    getMailboxState(mailbox) {
        if (mailbox.hold_until && mailbox.state === "connected") {
            return _t("Waits");
        }
        return {
            draft: _t("Not tested yet"),
            connected: mailbox.last_error ? _t("Trouble") : _t("Works"),
            expired: _t("Not authorised"),
            disabled: _t("Disabled"),
        }[mailbox.state];
    }

    describeLeft(mailbox) {
        return mailbox.left === null
            ? _t("no limit")
            : formats.formatNumber(mailbox.left);
    }

    openAgeing(series, place) {
        const isNow = place === this.months.length - 1;
        return isNow
            ? this.open("items", series.key)
            : this.open("month_items", this.months[place].date);
    }

    openMonth(series, place) {
        return this.open(`month_${series.key}`, this.months[place].date);
    }

    openCash() {
        return this.open("items", "open");
    }

    openSales(_series, place) {
        return this.open("month", this.months[place].date);
    }
}

registry.category("actions").add("chaser_overview_action", ChaserOverview);
