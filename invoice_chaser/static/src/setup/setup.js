import {Component, onWillStart, useState} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";
import {useService} from "@web/core/utils/hooks";

/** The first steps as a list: what is done, and a button for what is next. */
export class SetupSteps extends Component {
    static template = "invoice_chaser.SetupSteps";
    static props = {isPage: {type: Boolean, optional: true}};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.tour = useService("tour_service");
        this.state = useState({steps: [], ask: "", isHidden: true});
        onWillStart(async () => {
            const {steps, ask, is_hidden} = await this.orm.call(
                "chaser.setup",
                "read_steps",
                []
            );
            Object.assign(this.state, {steps, ask, isHidden: is_hidden});
        });
    }

    get isShown() {
        return this.props.isPage || !this.state.isHidden;
    }

    get done() {
        return this.state.steps.filter((step) => step.done).length;
    }

    get next() {
        return this.state.steps.find((step) => !step.done);
    }

    async open(step) {
        this.action.doAction(
            await this.orm.call("chaser.setup", "open_step", [step.code])
        );
    }

    /** Walks through the first campaign with the user. */
    showTour() {
        this.tour.startTour("chaser_first_campaign", {mode: "manual"});
    }

    async hide() {
        await this.orm.call("chaser.setup", "hide_steps", []);
        this.state.isHidden = true;
    }
}

export class SetupPage extends Component {
    static template = "invoice_chaser.SetupPage";
    static components = {SetupSteps};
    static props = {...standardActionServiceProps};
}

registry.category("actions").add("chaser_setup_action", SetupPage);
