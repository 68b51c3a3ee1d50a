def wilson(wrong, n, z=1.96):
    return (0.0, 1.0)
