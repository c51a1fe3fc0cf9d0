"""The one door to aiomqtt: a connection, nothing of what travels over it."""
