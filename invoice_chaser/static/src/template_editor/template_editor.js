import {Component, onWillUnmount, useState} from "@odoo/owl";
import {HtmlField, htmlField} from "@html_editor/fields/html_field";
import {_t} from "@web/core/l10n/translation";
import {Dropdown} from "@web/core/dropdown/dropdown";
import {useDropdownState} from "@web/core/dropdown/dropdown_hooks";
import {registry} from "@web/core/registry";
import {useAutofocus} from "@web/core/utils/hooks";
import {CharField, charField} from "@web/views/fields/char/char_field";

/** The list of merge tags in words, by group, with a search; reports to the editor which one was chosen. */
class MergeTagList extends Component {
    static template = "invoice_chaser.MergeTagList";
    static props = {groups: Array, onSelect: Function};

    setup() {
        this.state = useState({query: ""});
        useAutofocus();
    }

    get groups() {
        const words = this.state.query.toLowerCase().split(/\s+/).filter(Boolean);
        const fits = (tag) =>
            words.every((word) =>
                `${tag.name} ${tag.label}`.toLowerCase().includes(word)
            );
        return this.props.groups
            .map((group) => ({name: group.name, tags: group.tags.filter(fits)}))
            .filter((group) => group.tags.length);
    }

    onKeydown(ev) {
        const [group] = this.groups;
        if (ev.key === "Enter" && group) {
            ev.preventDefault();
            this.props.onSelect(group.tags[0]);
        }
    }
}

export class MergeTagPicker extends Component {
    static template = "invoice_chaser.MergeTagPicker";
    static components = {Dropdown, MergeTagList};
    static props = {
        record: Object,
        onSelect: Function,
        withBlocks: {type: Boolean, optional: true},
    };

    setup() {
        this.dropdown = useDropdownState();
    }

    get groups() {
        const groups = this.props.record.data.merge_tags || [];
        const fits = (tag) => this.props.withBlocks || !tag.block;
        return groups.map((group) => ({
            name: group.name,
            tags: group.tags.filter(fits),
        }));
    }

    select(tag) {
        this.dropdown.close();
        this.props.onSelect(`{{ ${tag.name} }}`);
    }
}

/** Subject with the picker: puts the tag where the cursor was last. */
export class TemplateSubjectField extends CharField {
    static template = "invoice_chaser.TemplateSubjectField";
    static components = {...CharField.components, MergeTagPicker};

    insertTag(text) {
        const input = this.input.el;
        const start = Math.min(
            this.selectionStart ?? input.value.length,
            input.value.length
        );
        // When the field loses focus to the picker, a space at its end is removed.
        const space =
            start && start === input.value.length && !/\s$/.test(input.value)
                ? " "
                : "";
        input.focus();
        input.setRangeText(space + text, start, start, "end");
        // The value is kept as if typed, not as changed: else the response to the change that was committed when the picker opened
        // would write the value again and move the cursor to its end while the user goes on typing.
        input.dispatchEvent(new InputEvent("input", {bubbles: true}));
        this.selectionStart = input.selectionStart;
    }

    /** A browser reports a change only after typing; an inserted tag is a change, too. */
    onBlur() {
        super.onBlur();
        this.input.el.dispatchEvent(new Event("change", {bubbles: true}));
    }
}

registry
    .category("fields")
    .add("chaser_template_subject", {...charField, component: TemplateSubjectField});

/** Text with the picker: puts the tag where the cursor is in the editor, or in the source when that is shown. */
export class TemplateBodyField extends HtmlField {
    static template = "invoice_chaser.TemplateBodyField";
    static components = {...HtmlField.components, MergeTagPicker};
    static props = {...HtmlField.props, dir: {type: String, optional: true}};

    setup() {
        super.setup();
        onWillUnmount(() => this.keepTyped());
    }

    /**
     * Another page of the notebook removes the editor. Odoo's field drops what was typed while an earlier change (the one that opening
     * the picker committed) was still being processed by the server; here it is saved before.
     */
    keepTyped() {
        if (
            this.isDirty &&
            !this.props.readonly &&
            this.editor &&
            !this.editor.isDestroyed
        ) {
            this.updateValue(
                this.state.showCodeView
                    ? this.codeViewRef.el.value
                    : this.editor.getContent()
            );
        }
    }

    /** A text in the language that is not the user's has its own direction. */
    getConfig() {
        const config = super.getConfig();
        return this.props.dir ? {...config, direction: this.props.dir} : config;
    }

    insertTag(text) {
        if (this.state.showCodeView) {
            const area = this.codeViewRef.el;
            area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
            this.onChange();
            return;
        }
        const {selection, dom, history} = this.editor.shared;
        selection.focusEditable();
        dom.insert(text);
        history.addStep();
    }
}

registry.category("fields").add("chaser_template_body", {
    ...htmlField,
    component: TemplateBodyField,
    displayName: _t("Template text"),
    // Letters need neither files nor videos, and the source helps with links; both are Odoo's own options.
    extractProps: (fieldInfo, dynamicInfo) => {
        const props = htmlField.extractProps(fieldInfo, dynamicInfo);
        Object.assign(props.editorConfig, {
            allowFile: false,
            allowVideo: false,
            allowChecklist: false,
        });
        return {
            ...props,
            codeview: true,
            embeddedComponents: false,
            dir: fieldInfo.options.dir,
        };
    },
});
