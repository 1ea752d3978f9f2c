"""Performance, each figure beside bare SQL doing the same durable writes in the same run."""
