"""The clients that are generated for other languages: makes them, and has six of them run the stories."""
