"""The same engine in a made-up world: a clock that is an argument, people from a seed, and faults on purpose."""
