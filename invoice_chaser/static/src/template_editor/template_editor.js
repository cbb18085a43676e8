import {Component, markup, onWillUnmount, useState} from "@odoo/owl";
import {CORE_PLUGINS} from "@html_editor/plugin_sets";
import {FeffPlugin} from "@html_editor/main/feff_plugin";
import {HintPlugin} from "@html_editor/main/hint_plugin";
import {HtmlField, htmlField} from "@html_editor/fields/html_field";
import {PlaceholderPlugin} from "@html_editor/main/placeholder_plugin";
import {ShortCutPlugin} from "@html_editor/core/shortcut_plugin";
import {normalizeHTML, parseHTML} from "@html_editor/utils/html";
import {localization} from "@web/core/l10n/localization";
import {_t} from "@web/core/l10n/translation";
import {Dropdown} from "@web/core/dropdown/dropdown";
import {useDropdownState} from "@web/core/dropdown/dropdown_hooks";
import {registry} from "@web/core/registry";
import {useAutofocus, useService} from "@web/core/utils/hooks";
import {MergeTagPlugin, OneLinePlugin, wrapStatements} from "./merge_tag_plugin";
import {MergeTagWords, writePlural} from "./merge_tag_words";
import {StatementDialog} from "./statement_dialog";

/** The list of merge tags in words, by group, with a search; reports to the editor the statement that was chosen. */
class MergeTagList extends Component {
    static template = "invoice_chaser.MergeTagList";
    static props = {groups: Array, isArabic: Boolean, onSelect: Function};

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

    /** Words that change with this number: English has two forms, Arabic more. */
    getPlural(tag) {
        const forms = this.props.isArabic
            ? ["one", "two", "few", "many", "other"]
            : ["one", "other"];
        return writePlural(
            tag.name,
            Object.fromEntries(forms.map((form) => [form, "#"]))
        );
    }

    getSource(tag) {
        return `{{ ${tag.name} }}`;
    }

    onKeydown(ev) {
        const [group] = this.groups;
        if (ev.key === "Enter" && group) {
            ev.preventDefault();
            this.props.onSelect(this.getSource(group.tags[0]));
        }
    }
}

/** What stands beside a text: the picker of merge tags, and the switch to the source. */
class TemplateTools extends Component {
    static template = "invoice_chaser.TemplateTools";
    static components = {Dropdown, MergeTagList};
    static props = {
        record: Object,
        isArabic: Boolean,
        isSource: Boolean,
        withBlocks: Boolean,
        onInsert: Function,
        onToggle: Function,
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

    select(source) {
        this.dropdown.close();
        this.props.onInsert(source);
    }
}

/**
 * The text of a letter, with its statements as chips. The picker puts one where the cursor is; the switch shows the source, which is what is
 * saved. What nobody touches is saved to the letter as it was.
 */
export class TemplateBodyField extends HtmlField {
    static template = "invoice_chaser.TemplateBodyField";
    static components = {...HtmlField.components, TemplateTools};
    static props = {...HtmlField.props, dir: {type: String, optional: true}};

    setup() {
        super.setup();
        this.dialog = useService("dialog");
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

    get words() {
        return new MergeTagWords(this.props.record.data.merge_tags);
    }

    /** A text in the language that is not the user's has its own direction. */
    get dir() {
        return this.props.dir || localization.direction;
    }

    get isArabic() {
        return this.dir === "rtl";
    }

    /** Tables and buttons have their place in a letter. */
    get withBlocks() {
        return true;
    }

    /** A look at the source is no change, though the editor is filled anew afterwards. */
    async toggleCodeView() {
        await super.toggleCodeView();
        this.isDirty = false;
        this.props.record.model.bus.trigger("FIELD_IS_DIRTY", false);
    }

    getConfig() {
        const config = super.getConfig();
        return {
            ...config,
            Plugins: [...this.getPlugins(config), MergeTagPlugin],
            direction: this.dir,
            chaserTags: {words: this.words, onOpen: this.openChip.bind(this)},
        };
    }

    getPlugins(config) {
        return config.Plugins;
    }

    getReadonlyConfig() {
        const config = super.getReadonlyConfig();
        if (config.hasFullHtml || !config.value) return config;
        const shown = document.createElement("div");
        shown.append(parseHTML(document, config.value.toString()));
        return {
            ...config,
            // markup: the text as the server has cleaned it, with chips whose words are set as text.
            value: markup(wrapStatements(shown, this.words).innerHTML),
        };
    }

    openChip(chip) {
        const {kind, label} = this.words.describe(chip.textContent);
        if (["tag", "block", "note"].includes(kind)) return;
        this.dialog.add(StatementDialog, {
            source: chip.textContent,
            label,
            dir: this.dir,
            onDone: (source) =>
                this.editor.shared.chaserMergeTag.replaceStatement(chip, source),
        });
    }

    insertTag(source) {
        if (this.state.showCodeView) {
            const area = this.codeViewRef.el;
            area.setRangeText(source, area.selectionStart, area.selectionEnd, "end");
            area.focus();
            this.onChange();
            return;
        }
        this.editor.shared.chaserMergeTag.insertStatement(source);
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
            // Odoo's mark of the editor's version has no place in a letter.
            migrateHTML: false,
            dir: fieldInfo.options.dir,
        };
    },
});

/** The subject: the same chips in one line of plain text. */
export class TemplateSubjectField extends TemplateBodyField {
    static template = "invoice_chaser.TemplateSubjectField";

    get text() {
        return this.props.record.data[this.props.name] || "";
    }

    get value() {
        return markup`<p>${this.text}</p>`;
    }

    get withBlocks() {
        return false;
    }

    /** Whatever stands in a subject is text. */
    get sandboxedPreview() {
        return false;
    }

    getPlugins() {
        // The format plugin would show a look that no subject has.
        return [
            ...CORE_PLUGINS.filter((one) => one.id !== "format"),
            FeffPlugin,
            HintPlugin,
            PlaceholderPlugin,
            ShortCutPlugin,
            OneLinePlugin,
        ];
    }

    async updateValue(content) {
        const text = this.state.showCodeView
            ? content
            : parseHTML(document, content).textContent;
        const value = text.replace(/[\s\u00a0]+/g, " ").trim();
        this.lastValue = normalizeHTML(value);
        this.isDirty = false;
        await this.props.record.update({[this.props.name]: value}).catch(() => {
            this.isDirty = true;
        });
        this.props.record.model.bus.trigger("FIELD_IS_DIRTY", this.isDirty);
    }
}

registry.category("fields").add("chaser_template_subject", {
    component: TemplateSubjectField,
    displayName: _t("Template subject"),
    supportedTypes: ["char"],
    extractProps: (fieldInfo, dynamicInfo) => ({
        ...htmlField.extractProps(fieldInfo, dynamicInfo),
        embeddedComponents: false,
        migrateHTML: false,
        dir: fieldInfo.options.dir,
    }),
});
