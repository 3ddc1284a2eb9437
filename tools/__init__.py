"""What developers use beside the product: the local stack, and the generator of contracts and reference pages.

Tools may read all product code, and no product code may import them. They never run in production.
"""
