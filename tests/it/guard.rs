//! What is refused, what is waited for, and what happens when the API disagrees.
