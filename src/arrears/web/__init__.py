"""Pages and the API. They parse, call and render: they read through `store.queries` and write through commands."""
