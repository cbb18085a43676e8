import {GraphRenderer} from "@web/views/graph/graph_renderer";
import {graphView} from "@web/views/graph/graph_view";
import {localization} from "@web/core/l10n/localization";
import {formatFloat} from "@web/core/utils/numbers";
import {registry} from "@web/core/registry";

/** Odoo's graph: in Arabic its axes begin on the right, and its figures stand below it as a table, for who reads by ear. */
export class ReportGraphRenderer extends GraphRenderer {
    static template = "invoice_chaser.ReportGraph";

    get isFromRight() {
        return localization.direction === "rtl";
    }

    /** The page's own, which is right whatever theme is on: Odoo takes it from a cookie, also where no dark theme is installed. */
    get textColor() {
        return getComputedStyle(this.canvasRef.el).color;
    }

    getChartConfig() {
        const config = super.getChartConfig();
        if (this.isFromRight) {
            // Odoo's own marks for lines are drawn at the left edge.
            delete config.plugins;
            // The label of the last point reaches beyond the axis.
            config.options.layout = {padding: {left: 28}};
        }
        return config;
    }

    getScaleOptions() {
        const scales = super.getScaleOptions();
        for (const axis of Object.values(scales)) {
            axis.ticks.color = this.textColor;
        }
        if (this.isFromRight && scales.x) {
            scales.x.reverse = true;
            scales.y.position = "right";
        }
        return scales;
    }

    getLegendOptions() {
        const legend = super.getLegendOptions();
        const {generateLabels} = legend.labels || {};
        const fontColor = this.textColor;
        if (generateLabels) {
            legend.labels.generateLabels = (chart) =>
                generateLabels(chart).map((label) => ({...label, fontColor}));
        }
        return this.isFromRight ? {...legend, rtl: true, textDirection: "rtl"} : legend;
    }

    // -- the table

    get measureLabel() {
        const {measure, measures} = this.model.metaData;
        return measures[measure].string;
    }

    get columns() {
        return this.model.data.datasets.map((one) => one.label || this.measureLabel);
    }

    formatExactly(value) {
        return formatFloat(value, {digits: [16, Number.isInteger(value) ? 0 : 2]});
    }

    get rows() {
        const {datasets, labels} = this.model.data;
        return labels.map((label, place) => ({
            label,
            values: datasets.map((one) => this.formatExactly(one.data[place] || 0)),
        }));
    }
}

registry
    .category("views")
    .add("chaser_graph", {...graphView, Renderer: ReportGraphRenderer});
