-- Who opened a payment page: the provider at which it is looked up and ended. An attempt with a method is at that
-- method's provider and has none here, as has a page from before there could be two.
ALTER TABLE attempt ADD COLUMN at_provider text NOT NULL DEFAULT '';
