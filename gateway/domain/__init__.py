"""Values and decisions. Pure: no await, no clock, no chance, no input or output, no third party."""
