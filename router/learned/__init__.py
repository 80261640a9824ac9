"""The learned policy as it is served: numpy alone, no pickle."""
