"""The network: a stem that halves the image early, two residual blocks, one linear layer.

Takes raw 0..255 pixels; normalisation is its first layer, so that no caller can forget it. The
early pooling and few wide blocks are what trains in minutes on two cores (He et al. 2016, Deep
Residual Learning for Image Recognition, for the block).
"""

from __future__ import annotations

import keras
from keras import layers

from shpc_core.idx import IMAGE_SHAPE
from shpc_core.labels import CLASS_NAMES
from shpc_training.recipe import Recipe


def build(recipe: Recipe) -> keras.Model:
    """An untrained model: float32 (n, 28, 28, 1) holding 0..255 in, 10 logits out."""
    pixels = keras.Input((*IMAGE_SHAPE, 1), name="pixels")
    features = layers.Rescaling(1 / 255)(pixels)
    features = layers.ReLU()(_convolution(features, recipe.stem_width))
    features = layers.MaxPooling2D()(features)
    for position, width in enumerate(recipe.block_widths):
        features = _residual_block(features, width, strides=1 if position == 0 else 2)
    features = layers.GlobalAveragePooling2D()(features)
    logits = layers.Dense(len(CLASS_NAMES), name="logits")(features)
    return keras.Model(pixels, logits, name="fashion_residual")


def _convolution(
    features: keras.KerasTensor, width: int, *, kernel: int = 3, strides: int = 1
) -> keras.KerasTensor:
    convolved = layers.Conv2D(
        width,
        kernel,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(features)
    return layers.BatchNormalization(momentum=0.9)(convolved)


def _residual_block(features: keras.KerasTensor, width: int, *, strides: int) -> keras.KerasTensor:
    inner = layers.ReLU()(_convolution(features, width, strides=strides))
    inner = _convolution(inner, width)
    skipped = _convolution(features, width, kernel=1, strides=strides)
    return layers.ReLU()(layers.Add()([inner, skipped]))
