"""One module per verb in a message's life. Adapters call these; these know adapters only by narrow interfaces."""
