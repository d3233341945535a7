"""What goes wrong between the gate and the API, made on purpose."""
