"""What runs on the untrusted side of the wall: standard library only, imports nothing of ours."""
