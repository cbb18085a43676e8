-- A copy of the database must not send: mailboxes are switched off and their secrets removed.
UPDATE chaser_provider SET state = 'disabled', smtp_password_sealed = NULL, webhook_secret_sealed = NULL, webhook_token = NULL;
UPDATE ir_cron SET active = false WHERE id IN (SELECT cron_id FROM chaser_provider WHERE cron_id IS NOT NULL);
UPDATE chaser_campaign SET state = 'paused', reason_code = 'neutralized', reason_params = NULL WHERE state IN ('scheduled', 'sending');
-- Consents at Google and Microsoft belong to the original, and so does the registration there.
DELETE FROM chaser_oauth_grant;
DELETE FROM chaser_oauth_request;
UPDATE res_company SET chaser_google_client_secret_sealed = NULL, chaser_microsoft_client_secret_sealed = NULL;
-- Nor does a copy read anybody's mailbox.
UPDATE chaser_provider SET read_method = 'none', read_database = NULL, imap_password_sealed = NULL, read_mark = false;
