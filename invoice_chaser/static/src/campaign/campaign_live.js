import {onMounted, onWillUnmount} from "@odoo/owl";
import {FormController} from "@web/views/form/form_controller";
import {KanbanController} from "@web/views/kanban/kanban_controller";
import {ListController} from "@web/views/list/list_controller";
import {browser} from "@web/core/browser/browser";
import {formView} from "@web/views/form/form_view";
import {kanbanView} from "@web/views/kanban/kanban_view";
import {listView} from "@web/views/list/list_view";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";

/** Milliseconds between two readings, however much is told. */
const PACE = 1500;

/**
 * Calls `reload` when the server tells over Odoo's bus that one of the campaigns shown has moved. Nothing is asked while nothing moves. The server tells
 * numbers of campaigns and nothing else; what may be seen of them is read with the user's own rights.
 */
function useCampaignBus(isShown, reload) {
    const bus = useService("bus_service");
    let timer = null;
    const onMoved = ({ids}) => {
        if (timer === null && ids.some(isShown)) {
            timer = browser.setTimeout(async () => {
                timer = null;
                await reload();
            }, PACE);
        }
    };
    onMounted(() => {
        bus.subscribe("invoice_chaser.campaign", onMoved);
        bus.start();
    });
    onWillUnmount(() => {
        bus.unsubscribe("invoice_chaser.campaign", onMoved);
        browser.clearTimeout(timer);
    });
}

/** The form: figures, bar and what holds it follow the sending, and the browser tab says how far it is. What somebody is typing stays. */
export class CampaignFormController extends FormController {
    setup() {
        super.setup();
        this.title = useService("title");
        useCampaignBus(
            (id) => id === this.model.root.resId,
            async () => {
                if (!(await this.model.root.isDirty())) {
                    await this.model.root.load();
                }
                this.showProgress();
            }
        );
        onMounted(() => this.showProgress());
        onWillUnmount(() => this.title.setParts({chaser: null}));
    }

    showProgress() {
        const {state, progress} = this.model.root.data;
        this.title.setParts({
            chaser: state === "sending" ? `${Math.round(progress)} %` : null,
        });
    }
}

function followList(controller) {
    useCampaignBus(
        (id) =>
            (controller.model.root.records || []).some((record) => record.resId === id),
        () => controller.model.root.load()
    );
}

export class CampaignListController extends ListController {
    setup() {
        super.setup();
        followList(this);
    }
}

export class CampaignKanbanController extends KanbanController {
    setup() {
        super.setup();
        followList(this);
    }
}

registry
    .category("views")
    .add("chaser_campaign_form", {...formView, Controller: CampaignFormController})
    .add("chaser_campaign_list", {...listView, Controller: CampaignListController})
    .add("chaser_campaign_kanban", {
        ...kanbanView,
        Controller: CampaignKanbanController,
    });
