"""The engines that we are measured beside, each for a process of its own."""
