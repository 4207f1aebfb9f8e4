// What a linear layer was given, summed over tokens. A small library with a C interface, because the activations live in
// the process that runs the model and would fill a disk on their way to another.
#pragma once

#include <cstddef>

extern "C" {

/// Adds `tokens` rows of `columns` floats to the sums of one input. `stride` counts floats between rows.
///
/// gram: [columns, columns] doubles, of which only the lower triangle is touched: Σ xᵢ xⱼ, i ≥ j. Products of two floats
/// are exact in double, and every sum runs over the tokens in their order, so the result depends on nothing else.
/// absolute: [columns], Σ |xᵢ|. largest: [columns], max |xᵢ|. Returns 0, or 1 if a value is infinite or NaN (then the sums
/// are of no use), or 2 if there is not enough memory.
__attribute__((visibility("default"))) int enginewright_add_gram(const float* rows, std::size_t tokens,
                                                                 std::size_t columns, std::size_t stride,
                                                                 double* gram, double* absolute, double* largest);

/// Copies the lower triangle to the upper one.
__attribute__((visibility("default"))) void enginewright_complete_gram(double* gram, std::size_t columns);

/// Raised when the sums would change.
__attribute__((visibility("default"))) int enginewright_statistics_version();
}
