import {Plugin} from "@html_editor/plugin";
import {isTextNode, isZwnbsp} from "@html_editor/utils/dom_info";
import {childNodeIndex, rightPos} from "@html_editor/utils/position";
import {callbacksForCursorUpdate} from "@html_editor/utils/selection";
import {withSequence} from "@html_editor/utils/resource";
import {findStatements, isOneStatement} from "./merge_tag_words";

const CHIP = ".o_chaser_chip";
const RTL = /[\u0590-\u08ff\ufb1d-\ufefc]/;

/**
 * The element that stands for a statement. Its text is the statement itself, which the style sheet hides behind the label: whatever is
 * copied, searched or saved is the source, to the letter.
 */
function dressChip(chip, words) {
    const source = chip.textContent;
    const {kind, label} = words.describe(source);
    const wanted = {
        class: `o_chaser_chip o_chaser_chip_${kind}`,
        contenteditable: "false",
        role: "img",
        "aria-label": label,
        "data-label": label,
        dir: RTL.test(label) ? "rtl" : "ltr",
        title: source,
    };
    for (const [name, value] of Object.entries(wanted)) {
        if (chip.getAttribute(name) !== String(value)) chip.setAttribute(name, value);
    }
    return chip;
}

export function makeChip(source, words) {
    const chip = document.createElement("span");
    chip.textContent = source;
    return dressChip(chip, words);
}

/** Texts that hold statements and are not chips already. */
function findTexts(root) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
        const node = walker.currentNode;
        if (/\{[{%#]/.test(node.data) && !node.parentElement?.closest(CHIP)) {
            found.push(node);
        }
    }
    return found;
}

/** Makes chips of the statements in a text; from the last to the first, so that the places before stay. */
function splitText(node, words, cursors) {
    for (const match of findStatements(node.data).reverse()) {
        const start = match.index;
        const end = start + match[0].length;
        const parent = node.parentNode;
        const place = childNodeIndex(node);
        const chip = makeChip(match[0], words);
        node.splitText(end);
        node.splitText(start).replaceWith(chip);
        cursors?.update((cursor) => {
            if (cursor.node === parent && cursor.offset > place) {
                cursor.offset += 2;
            } else if (cursor.node === node && cursor.offset > start) {
                const after = Math.max(0, cursor.offset - end);
                cursor.node = chip.nextSibling;
                cursor.offset = after;
            }
        });
    }
}

/** Shows a text for reading: the same chips, in HTML that nobody edits. */
export function wrapStatements(root, words) {
    for (const node of findTexts(root)) splitText(node, words);
    return root;
}

/**
 * Statements of the template language as chips in Odoo's editor: in one piece under the cursor, the source when saved or copied. The
 * configuration gives `chaserTags`: `words` (MergeTagWords) and `onOpen(chip)` for what can be looked into.
 */
export class MergeTagPlugin extends Plugin {
    static id = "chaserMergeTag";
    static dependencies = ["selection", "dom", "history"];
    static shared = ["insertStatement", "replaceStatement"];
    resources = {
        // Before Odoo's plugin that makes places for the cursor around them.
        normalize_handlers: withSequence(1, this.normalize.bind(this)),
        selectors_for_feff_providers: () => CHIP,
        clean_for_save_handlers: ({root}) => this.unwrap(root),
        clipboard_content_processors: this.unwrap.bind(this),
        format_selection_handlers: this.openForFormat.bind(this),
        input_handlers: this.onInput.bind(this),
    };

    setup() {
        this.addDomListener(this.editable, "click", this.onClick);
    }

    get words() {
        return this.config.chaserTags.words;
    }

    normalize(root) {
        const chips = [
            ...(root.matches?.(CHIP) ? [root] : []),
            ...root.querySelectorAll(CHIP),
        ];
        for (const chip of chips) {
            if (isOneStatement(chip.textContent)) dressChip(chip, this.words);
            else chip.replaceWith(...chip.childNodes);
        }
        const texts = findTexts(root).filter(
            (node) => findStatements(node.data).length
        );
        if (!texts.length) return;
        const {selection} = this.dependencies;
        const isHere = selection.getSelectionData().documentSelectionIsInEditable;
        const cursors = isHere ? selection.preserveSelection() : null;
        for (const node of texts) splitText(node, this.words, cursors);
        cursors?.restore();
    }

    unwrap(root) {
        for (const chip of root.querySelectorAll(CHIP)) {
            chip.replaceWith(...chip.childNodes);
        }
        return root;
    }

    /** Odoo's editor gives a look to texts that can be edited; for that moment the selected chips are such texts. */
    openForFormat() {
        const {selection} = this.dependencies;
        selection.selectAroundNonEditable();
        const chips = new Set(
            selection
                .getTargetedNodes()
                .map((node) => (isTextNode(node) ? node.parentElement : node))
                .map((element) => element?.closest?.(CHIP))
        );
        chips.delete(null);
        chips.delete(undefined);
        if (!chips.size) return;
        const cursors = selection.preserveSelection();
        for (const chip of chips) {
            cursors.update(callbacksForCursorUpdate.unwrap(chip));
            chip.replaceWith(...chip.childNodes);
        }
        cursors.restore();
    }

    onClick(ev) {
        const chip = ev.target.closest(CHIP);
        if (chip) this.config.chaserTags.onOpen(chip);
    }

    /** A browser makes a blank at the edge of a text one that does not break; beside a chip it is an ordinary one. */
    setBlank(node, place) {
        const {selection} = this.dependencies;
        const cursors = selection.preserveSelection();
        node.replaceData(place, 1, " ");
        cursors.restore();
    }

    onInput() {
        const {selection, history} = this.dependencies;
        const {anchorNode, anchorOffset, isCollapsed} =
            selection.getEditableSelection();
        if (
            isCollapsed &&
            anchorOffset === 2 &&
            isTextNode(anchorNode) &&
            /^\u00a0\S/.test(anchorNode.data)
        ) {
            let before = anchorNode.previousSibling;
            while (isZwnbsp(before)) before = before.previousSibling;
            if (before?.matches?.(CHIP)) {
                this.setBlank(anchorNode, 0);
                history.addStep();
            }
        }
    }

    /** Where the cursor is, which goes behind it. */
    insertStatement(source) {
        const {selection, dom, history} = this.dependencies;
        selection.focusEditable();
        const {anchorNode, anchorOffset} = selection.getEditableSelection();
        if (
            isTextNode(anchorNode) &&
            /\S\u00a0$/.test(anchorNode.data.slice(0, anchorOffset))
        ) {
            this.setBlank(anchorNode, anchorOffset - 1);
        }
        dom.insert(source);
        history.addStep();
    }

    /** Puts another statement, or none, in the place of a chip. */
    replaceStatement(chip, source) {
        const {selection, history} = this.dependencies;
        if (source) {
            const other = makeChip(source, this.words);
            chip.replaceWith(other);
            const [anchorNode, anchorOffset] = rightPos(other);
            selection.setSelection({anchorNode, anchorOffset});
        } else {
            chip.remove();
        }
        history.addStep();
    }
}

/** A text of one line: no paragraphs, no look. What is pasted is its words. */
export class OneLinePlugin extends Plugin {
    static id = "chaserOneLine";
    static dependencies = ["dom", "history"];

    setup() {
        this.addDomListener(this.editable, "beforeinput", this.onBeforeInput, true);
        this.addDomListener(this.editable, "paste", this.onPaste, true);
        this.addDomListener(this.editable, "drop", (ev) => this.stop(ev), true);
    }

    stop(ev) {
        ev.preventDefault();
        ev.stopImmediatePropagation();
    }

    onBeforeInput(ev) {
        if (/^(insertParagraph|insertLineBreak|format)/.test(ev.inputType)) {
            this.stop(ev);
        }
    }

    onPaste(ev) {
        this.stop(ev);
        const words = ev.clipboardData.getData("text/plain");
        this.dependencies.dom.insert(words.replace(/\s*[\r\n]+\s*/g, " "));
        this.dependencies.history.addStep();
    }
}
