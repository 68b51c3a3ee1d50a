"""What is wrong with a cache file, and how is it put right?"""
