//! Keras-style convolutional networks as data: shapes, summary, weights, forward and backward, one file
