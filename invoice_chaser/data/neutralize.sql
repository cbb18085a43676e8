-- A copy of the database must not send: mailboxes are switched off and their secrets removed.
UPDATE chaser_provider SET state = 'disabled', smtp_password_sealed = NULL;
UPDATE ir_cron SET active = false WHERE id IN (SELECT cron_id FROM chaser_provider WHERE cron_id IS NOT NULL);
UPDATE chaser_campaign SET state = 'paused' WHERE state IN ('scheduled', 'sending');
