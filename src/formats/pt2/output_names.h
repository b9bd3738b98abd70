// Names of a model's outputs, from the structure that it returns.
#pragma once

#include <string>
#include <vector>

#include "formats/pt2/json.h"

namespace ropeway::pt2 {

// For each of the `count` leaves of what the model returns its path through dictionaries, such as "logits" or "scores.0"; "" for one that is in no
// dictionary, or when the program does not tell.
std::vector<std::string> output_names(const Json& program, size_t count);

}  // namespace ropeway::pt2
