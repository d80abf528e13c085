//! The operations of small convolutional networks and their gradients, on slices
