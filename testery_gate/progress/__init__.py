"""What people see while the gate waits."""
