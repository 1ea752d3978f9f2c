-- What the customer's papers show besides the name: at most six lines of a postal address, and a tax number.
ALTER TABLE account
    ADD COLUMN billing_address text,
    ADD COLUMN tax_number text;
