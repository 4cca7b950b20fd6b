"""First steps: train a network to read handwritten digits, from pixels to a prediction.

    python examples/first_steps.py

It takes about two minutes. To try things faster:

    EPOCHS=1 LIMIT=2000 python examples/first_steps.py
"""

import os

import keras
import numpy as np

import tenfold

EPOCHS = int(os.environ.get("EPOCHS", "5"))
LIMIT = int(os.environ.get("LIMIT", "54000"))

# 1. Load. 70,000 grey images of 28x28 pixels, each with the digit that was meant.
# A tenth of those meant for training is held out, to see how the network does on
# images it is not shown.
mnist = tenfold.load_mnist(validation=0.1, limit=LIMIT)
print("training images  ", mnist.train.images.shape, mnist.train.images.dtype)
print("validation images", mnist.validation.images.shape)  # (6000, 28, 28)
print("test images      ", mnist.test.images.shape)  # (10000, 28, 28)

# 2. Look. One image is a table of numbers: 0 is paper, 255 is ink.
for row in mnist.train.images[0, 4:26:2]:
    print("".join(" .:*#"[value // 52] for value in row))
print("this is meant as a", mnist.train.labels[0])

# 3. Prepare. Pixels from 0-255 to 0-1, with an axis for the one channel, grey.
x_train = mnist.train.images[..., np.newaxis] / np.float32(255)
x_validation = mnist.validation.images[..., np.newaxis] / np.float32(255)
x_test = mnist.test.images[..., np.newaxis] / np.float32(255)
# Labels one-hot: a 5 becomes 0 0 0 0 0 1 0 0 0 0, as ten probabilities would be if
# the network were sure.
y_train = keras.utils.to_categorical(mnist.train.labels, 10)  # (54000, 10)
y_validation = keras.utils.to_categorical(mnist.validation.labels, 10)  # (6000, 10)
y_test = keras.utils.to_categorical(mnist.test.labels, 10)  # (10000, 10)
print("prepared         ", x_train.shape, y_train.shape)  # (54000, 28, 28, 1)

# 4. Build. Convolutions look for strokes, pooling forgets exactly where they were,
# dense layers decide.
model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(32, 3, activation="relu"),  # (26, 26, 32)
        keras.layers.MaxPooling2D(2),  # (13, 13, 32)
        keras.layers.Conv2D(64, 3, activation="relu"),  # (11, 11, 64)
        keras.layers.MaxPooling2D(2),  # (5, 5, 64)
        keras.layers.Conv2D(64, 3, activation="relu"),  # (3, 3, 64)
        keras.layers.Flatten(),  # (576,)
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),  # ten probabilities
    ]
)
model.summary()

# 5. Compile. How the network is corrected (optimizer), how wrong an answer is
# (loss), and what we watch (metrics).
model.compile(
    optimizer="adam",
    loss="categorical_crossentropy",
    metrics=["accuracy"],
    jit_compile=False,
)

# 6. Train. Every image is seen EPOCHS times, 64 at a step.
model.fit(
    x_train,
    y_train,
    epochs=EPOCHS,
    batch_size=64,
    validation_data=(x_validation, y_validation),
    verbose=2,
)

# 7. Evaluate. Once, at the end, on images it has never seen.
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"Test accuracy: {accuracy:.2%}  Test loss: {loss:.4f}")

# 8. Predict. Ten probabilities for the first test image; the greatest answers.
probabilities = model.predict(x_test[:1], verbose=0)[0]  # (10,)
for digit, probability in enumerate(probabilities):
    print(f"{digit}  {probability:7.2%}  {'#' * round(40 * probability)}")
print("the network says", probabilities.argmax(), "- it is a", mnist.test.labels[0])
