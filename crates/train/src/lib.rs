//! Training loops for small convolutional networks: SGD, schedules, recipes, history
