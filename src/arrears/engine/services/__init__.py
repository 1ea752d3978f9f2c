"""Orders to services: put into the queue of deliveries, and what becomes of them once a service has answered."""
