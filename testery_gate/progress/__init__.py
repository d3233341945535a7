"""What people see of a wait."""
