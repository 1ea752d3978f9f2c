"""Messages as values: kinds and contents, who is told, and the alerts that stand until their cause is gone."""
