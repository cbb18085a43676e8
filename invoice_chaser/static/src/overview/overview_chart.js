/* global Chart */
import {Component, onWillUnmount, useEffect, useRef} from "@odoo/owl";
import {localization} from "@web/core/l10n/localization";

/** Colours that stay apart for who cannot tell red from green: they differ in brightness, too. */
export const COLORS = {
    not_due: "#43C5B1",
    days_1_30: "#FFD86D",
    days_31_60: "#F4A261",
    days_61_90: "#EA6175",
    days_over_90: "#982738",
    credit: "#8481DD",
    first: "#3188E6",
    second: "#F48935",
    third: "#00A78D",
    fourth: "#982738",
};

/**
 * A chart with its figures as a table below it, for who reads by ear or wants the exact value. `labels`: one per place on the axis; `series`: {key, label,
 * values, color}; `format`: value → text; `open`: (series, place) → what a click does. Arabic reads from the right: so does the axis.
 */
export class OverviewChart extends Component {
    static template = "invoice_chaser.OverviewChart";
    static props = {
        title: String,
        type: {type: String, optional: true},
        stacked: {type: Boolean, optional: true},
        labels: Array,
        series: Array,
        format: Function,
        open: {type: Function, optional: true},
        corner: String,
    };
    static defaultProps = {type: "bar", stacked: false};

    setup() {
        this.canvas = useRef("canvas");
        this.chart = null;
        useEffect(
            () => this.draw(),
            () => [JSON.stringify([this.props.labels, this.props.series])]
        );
        onWillUnmount(() => this.chart?.destroy());
    }

    draw() {
        this.chart?.destroy();
        this.chart = new Chart(this.canvas.el, this.getConfig());
    }

    getConfig() {
        const {type, stacked, labels, series, format, open} = this.props;
        const rtl = localization.direction === "rtl";
        const color = getComputedStyle(this.canvas.el).color;
        const grid = "rgba(128, 128, 128, 0.25)";
        return {
            type,
            data: {
                labels,
                datasets: series.map((one) => ({
                    label: one.label,
                    data: one.values,
                    backgroundColor: one.color,
                    borderColor: one.color,
                    borderWidth: type === "line" ? 2 : 0,
                    borderDash: one.dashed ? [6, 4] : [],
                    spanGaps: true,
                    pointRadius: 3,
                    maxBarThickness: 56,
                })),
            },
            options: {
                animation: false,
                maintainAspectRatio: false,
                locale: "en",
                interaction: {mode: stacked ? "nearest" : "index", intersect: stacked},
                onClick: (_event, found) => {
                    if (open && found.length) {
                        open(series[found[0].datasetIndex], found[0].index);
                    }
                },
                onHover: (event, found) => {
                    event.native.target.style.cursor =
                        open && found.length ? "pointer" : "default";
                },
                plugins: {
                    legend: {
                        display: series.length > 1,
                        rtl,
                        textDirection: rtl ? "rtl" : "ltr",
                        position: "bottom",
                        labels: {color, boxWidth: 14},
                    },
                    tooltip: {
                        rtl,
                        textDirection: rtl ? "rtl" : "ltr",
                        callbacks: {
                            label: (item) =>
                                `${item.dataset.label}: ${format(item.parsed.y)}`,
                        },
                    },
                },
                scales: {
                    x: {
                        stacked,
                        reverse: rtl,
                        offset: true,
                        ticks: {color, maxRotation: 0, autoSkipPadding: 8},
                        grid: {display: false},
                    },
                    y: {
                        stacked,
                        position: rtl ? "right" : "left",
                        ticks: {
                            color,
                            maxTicksLimit: 6,
                            callback: (value) =>
                                Intl.NumberFormat("en", {
                                    notation: "compact",
                                    maximumFractionDigits: 1,
                                }).format(value),
                        },
                        grid: {color: grid},
                    },
                },
            },
        };
    }
}
