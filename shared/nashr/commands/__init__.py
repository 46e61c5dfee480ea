"""The subcommands of ``nashr``, a module each; cli.py puts them together."""
