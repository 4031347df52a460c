"""Exports of Keras's networks by tf2onnx, without their weights, for mnas-import's tests:
mnas-import/tests/exports/keras_*.onnx.

    python scripts/make_tf2onnx_exports.py

Needs tensorflow, tf2onnx and onnx. Images come in as TensorFlow has them, channels last, 64 x 64 pixels.
"""

import pathlib

import keras
import numpy
import tensorflow as tf
import tf2onnx
from keras import layers
from strip_onnx import strip

ROOT = pathlib.Path(__file__).resolve().parent.parent / "mnas-import" / "tests" / "exports"


def mini_xception(classes=7):
    def normed(x):
        return layers.BatchNormalization()(x)

    image = x = keras.Input((64, 64, 1))
    for _ in range(2):
        x = layers.ReLU()(normed(layers.Conv2D(8, 3, use_bias=False)(x)))
    for filters in [16, 32, 64, 128]:
        shortcut = normed(layers.Conv2D(filters, 1, strides=2, padding="same", use_bias=False)(x))
        x = layers.ReLU()(normed(layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)))
        x = normed(layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x))
        x = layers.add([layers.MaxPooling2D(3, strides=2, padding="same")(x), shortcut])
    x = layers.Conv2D(classes, 3, padding="same")(x)
    return keras.Model(image, layers.GlobalAveragePooling2D()(x))


def randomise(model):
    """Statistics as a trained network might have them: those of a new one fold to nothing."""
    draw = numpy.random.default_rng(1).uniform
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            ranges = [(0.5, 1.5), (-0.2, 0.2), (-0.1, 0.1), (0.5, 1.5)]
            layer.set_weights([draw(*it, size=w.shape) for it, w in zip(ranges, layer.get_weights())])


def application(make):
    return make(input_shape=(64, 64, 3), weights=None, classifier_activation=None)


MODELS = {
    "mobilenet_v2": lambda: application(keras.applications.MobileNetV2),
    "mini_xception": mini_xception,
}


def main():
    for name, make in MODELS.items():
        model = make()
        randomise(model)
        size = model.input_shape[1:]
        call = tf.function(lambda image: model(image, training=False))
        signature = [tf.TensorSpec([None, *size], tf.float32, name="image")]
        path = ROOT / f"keras_{name}_tf2onnx.onnx"
        tf2onnx.convert.from_function(call, input_signature=signature, opset=17, output_path=str(path))
        strip(path)
        print(path.name, path.stat().st_size, flush=True)


if __name__ == "__main__":
    main()
