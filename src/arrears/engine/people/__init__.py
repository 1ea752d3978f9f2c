"""People: who may come in, their addresses, who asks for help, and the links that let somebody act."""
