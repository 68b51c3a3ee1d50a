"""What does a question say? English taken apart, and what tells two questions apart."""
