"""The benchmark: recipes beside stock Keras and plain PyTorch, each training in a process of its own.

Nothing here loads TensorFlow but the scripts that are measured: `stock`, `predicting`. `plain_torch` loads
PyTorch where it is installed.
"""
