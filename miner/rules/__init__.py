"""Association rules from mixed itemsets to event types."""
