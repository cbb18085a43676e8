-- A copy of the database must not send; invoice_chaser's own script switches the mailboxes off.
UPDATE chaser_provider SET sms_test_key_sealed = NULL;
