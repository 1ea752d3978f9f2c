-- A customer asks to pay by invoice: a support request of its own kind. Each that is here is one of those before.
ALTER TABLE support_request DROP CONSTRAINT support_request_about_check, ADD CONSTRAINT support_request_about_check
    CHECK (about IN ('paid_but_disabled', 'cannot_pay', 'invoice_question', 'administrator_gone', 'invoice_mode', 'other'));
