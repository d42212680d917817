"""What an operator's commands do on the host: look at it, say what is wrong, and mend it."""
