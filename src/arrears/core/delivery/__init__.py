"""What a delivery is: its rules for when it is tried again, where it may go, and how it is signed."""
