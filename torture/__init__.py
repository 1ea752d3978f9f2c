"""Breaking things on purpose: zeros with denominators. Each prints one JSON object and says whether it holds."""
