-- A copy of the database must not send; invoice_chaser's own script switches the mailboxes off.
UPDATE chaser_provider SET whatsapp_token_sealed = NULL, whatsapp_app_secret_sealed = NULL, whatsapp_verify_token_sealed = NULL;
