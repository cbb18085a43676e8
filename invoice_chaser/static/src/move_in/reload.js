import {Component, useEffect, xml} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";

const MILLISECONDS = 2500;

/**
 * Reads the record again and again while a job works on it, so that its progress is
 * seen. Nothing is lost by it: while the job runs nothing can be entered.
 */
export class ReloadWidget extends Component {
    static template = xml`<span/>`;
    static props = {...standardWidgetProps};

    setup() {
        useEffect(
            (running) => {
                if (!running) {
                    return;
                }
                const timer = setTimeout(() => this.props.record.load(), MILLISECONDS);
                return () => clearTimeout(timer);
            },
            () => [this.isRunning, this.tick()]
        );
    }

    get isRunning() {
        return ["checking", "importing"].includes(this.props.record.data.state);
    }

    // Another value for each rendering, so that the next timer is set.
    tick() {
        this.count = (this.count || 0) + 1;
        return this.count;
    }
}

registry.category("view_widgets").add("chaser_reload", {component: ReloadWidget});
