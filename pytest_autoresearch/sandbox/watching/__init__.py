"""A candidate's processes, watched from outside: their time, their memory, what they leave, their end."""
