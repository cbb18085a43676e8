import {Component, onWillStart, onWillUpdateProps, useState} from "@odoo/owl";
import {loadBundle} from "@web/core/assets";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {COLORS, OverviewChart} from "./overview_chart";
import * as formats from "./overview_formats";

/** A customer's ageing, balance over a year, and what they react to; on their form. */
export class CustomerFigures extends Component {
    static template = "invoice_chaser.CustomerFigures";
    static components = {OverviewChart};
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.formats = formats;
        this.state = useState({data: null});
        onWillStart(() =>
            Promise.all([
                this.load(this.props.record.resId),
                loadBundle("web.chartjs_lib"),
            ])
        );
        onWillUpdateProps((next) => {
            if (next.record.resId !== this.props.record.resId) {
                return this.load(next.record.resId);
            }
        });
    }

    async load(partnerId) {
        this.state.data = partnerId
            ? await this.orm.call("chaser.overview.customer", "read_customer", [
                  partnerId,
              ])
            : null;
    }

    get data() {
        return this.state.data;
    }

    get hasFigures() {
        return Boolean(this.data && this.data.months.length);
    }

    get formatAmount() {
        return (value) => formats.formatAmount(value, this.data.currency_id);
    }

    get bucketRows() {
        return [...formats.BUCKETS, "credit"].map((name) => ({
            name,
            label: formats.getBucketLabel(name),
            text: this.formatAmount(this.data.buckets[name]),
        }));
    }

    get labels() {
        return this.data.months.map((month) => formats.formatMonth(month.date));
    }

    get series() {
        return [
            {
                key: "open",
                label: _t("Balance"),
                color: COLORS.first,
                values: this.data.months.map((month) => month.open),
            },
            {
                key: "paid",
                label: _t("Paid"),
                color: COLORS.third,
                values: this.data.months.map((month) => month.paid),
            },
        ];
    }

    get promises() {
        const {kept, total} = this.data.promises;
        return total
            ? _t("%(kept)s of %(total)s", {
                  kept: formats.formatNumber(kept),
                  total: formats.formatNumber(total),
              })
            : formats.NOTHING;
    }

    get habitRows() {
        const names = {
            weekday: formats.getWeekdays(),
            language: {
                en: _t("English"),
                ar: _t("Arabic"),
                both: _t("Arabic and English"),
            },
        };
        return ["weekday", "channel", "language"].flatMap((kind) =>
            this.data.habits[kind].map((row) => ({
                key: `${kind}-${row.key}`,
                label: row.name || names[kind]?.[row.key] || row.key || formats.NOTHING,
                text: _t("%(reacted)s of %(number)s", {
                    reacted: formats.formatNumber(row.reacted),
                    number: formats.formatNumber(row.number),
                }),
            }))
        );
    }
}

registry.category("view_widgets").add("chaser_customer_figures", {
    component: CustomerFigures,
});
