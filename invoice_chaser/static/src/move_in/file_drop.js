import {useRef} from "@odoo/owl";
import {useDropzone} from "@web/core/dropzone/dropzone_hook";
import {useFileUploader} from "@web/core/utils/files";
import {registry} from "@web/core/registry";
import {
    Many2ManyBinaryField,
    many2ManyBinaryField,
} from "@web/views/fields/many2many_binary/many2many_binary_field";

/**
 * Odoo's field of files, onto which files can also be dropped.
 */
export class FileDropField extends Many2ManyBinaryField {
    static template = "invoice_chaser.FileDrop";

    setup() {
        super.setup();
        this.root = useRef("root");
        this.uploadFiles = useFileUploader();
        useDropzone(
            this.root,
            (ev) => this.onDrop(ev),
            "o_chaser_file_drop",
            () => !this.props.readonly
        );
    }

    async onDrop(ev) {
        const found = await this.uploadFiles("/web/binary/upload_attachment", {
            csrf_token: odoo.csrf_token,
            ufile: [...ev.dataTransfer.files],
            model: this.props.record.resModel,
            id: this.props.record.resId || 0,
        });
        if (found) {
            await this.onFileUploaded(found);
        }
    }
}

registry.category("fields").add("chaser_file_drop", {
    ...many2ManyBinaryField,
    component: FileDropField,
});
