"""The clients that are generated for other languages: makes them, looks at their code, and runs the stories through two of them."""
