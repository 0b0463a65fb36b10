"""Ways to show who one is: passwords, codes, passkeys. Each is an adapter that knows its library and no other room."""
